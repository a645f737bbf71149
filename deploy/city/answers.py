"""The answer key: what stands in the city, by which rule or trap it is found, since when, and what a right system shows."""

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

COLUMNS = {
    "rule": "规则",
    "level": "级别",
    "about": "对象",
    "unit": "单位",
    "uscc": "统一社会信用代码",
    "name": "姓名",
    "id_number": "公民身份号码",
    "item": "事项",
    "since": "自何时",
    "see": "应看到",
}
RED, YELLOW, TO_CLASSIFY, INFO, DATA_GAP, REFUSED, TRAP = "红", "黄", "待定性", "提示", "数据缺失", "导入拒绝", "陷阱"


@dataclass(frozen=True)
class Answer:
    """One line. `rule`: M01 … of the catalogue, or T and the number of a trap (T01: vacancies are not netted). `item`: the row, level or field."""

    rule: str
    level: str
    unit: str
    uscc: str
    item: str
    since: str
    see: str
    name: str = ""
    id_number: str = ""

    @property
    def about(self) -> str:
        """人员, 单位 or 全市."""
        return "人员" if self.id_number else "单位" if self.uscc else "全市"


def write(path: Path, answers: Iterable[Answer]) -> None:
    """As CSV in UTF-8 with a byte order mark, which spreadsheets need."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS.values())
        writer.writeheader()
        for answer in answers:
            values = asdict(answer) | {"about": answer.about}
            writer.writerow({label: values[name] for name, label in COLUMNS.items()})
