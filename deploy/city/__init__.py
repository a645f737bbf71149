"""The demo city as the files an office would bring: invented units, people and numbers, with planted problems and their answer key (演示数据)."""
