"""What an office's own file says, judged: cells to values, rows to records, problems in words. Pure: no file, no table."""
