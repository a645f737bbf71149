"""One process that writes one list of 12 columns: `python -m tests.bench.list_writer bare|export ROWS URL FOLDER` prints seconds and peak memory (MB).

bare: the rust writer alone, from rows that are ready. export: the product, from the claim to the encrypted file on the shelf: counted, read from
PostgreSQL through a cursor, turned, written, sealed, on disk.
"""

import asyncio
import json
import resource
import secrets
import sys
import time
from datetime import date, datetime, timedelta
from pathlib import Path

from rustpy_xlsxwriter import write_worksheet

from shared import db
from shared.clock import Clock
from shared.crypto import FieldCipher, KeyRing, Suite, new_key
from shared.db import By
from shared.events.envelope import uuid7
from shared.exports.commands import ask_export
from shared.exports.lists import Column, ExportList, Sheet, Source, Words, coded, exports_of, flagged
from shared.exports.models import AskExport
from shared.exports.running import Office, take_export
from shared.exports.shelf import Shelf
from shared.glossary import Role
from shared.sheets.writing import Cell, Form

KINDS = {"XZ": "行政编制", "SY": "事业编制", "GQ": "机关工勤编制"}


def ready(rows: int) -> list[dict[str, Cell]]:
    """The same cells as the list has."""
    labels, kinds = [column.label for column in COLUMNS], list(KINDS.values())
    return [
        dict(
            zip(
                labels,
                (
                    f"{n % 620:05d}",
                    f"望汐市第{n % 620}中学",
                    f"测试{n % 3000}",
                    f"330499***********{n % 10}",
                    kinds[n % 3],
                    "财政拨款",
                    date(1970, 1, 1) + timedelta(days=n % 12000),
                    date(2000, 1, 1) + timedelta(days=n % 9000),
                    n,
                    n % 100 / 100,
                    "是" if n % 2 else "否",
                    f"编入〔2020〕{n}号",
                ),
                strict=True,
            )
        )
        for n in range(1, rows + 1)
    ]


COLUMNS = (
    Column("unit_code", "单位编码", "to_char(n % 620, 'FM00000')"),
    Column("unit", "单位", "'望汐市第' || n % 620 || '中学'"),
    Column("name", "姓名", "'测试' || n % 3000"),
    Column("number", "公民身份号码", "'330499***********' || n % 10"),
    Column("kind", "编制类型", "(ARRAY['XZ', 'SY', 'GQ'])[n % 3 + 1]", turn=coded("kinds")),
    Column("funding", "经费形式", "'财政拨款'"),
    Column("born_on", "出生日期", "date '1970-01-01' + n % 12000", Form.DAY),
    Column("started_on", "入编时间", "date '2000-01-01' + n % 9000", Form.DAY),
    Column("n", "序号", "n", Form.NUMBER),
    Column("share", "使用率", "(n % 100)::float8 / 100", Form.SHARE),
    Column("flag", "是否公务员登记", "n % 2 = 1", turn=flagged),
    Column("document_no", "入编文号", "'编入〔2020〕' || n || '号'"),
)


async def _words(_: object) -> Words:
    return {"kinds": KINDS}


def bare(rows: int, folder: Path) -> float:
    """The writer alone."""
    records = ready(rows)
    began = time.perf_counter()
    write_worksheet(iter(records), str(folder / "bare.xlsx"))
    return time.perf_counter() - began


async def export(rows: int, url: str, folder: Path) -> float:
    """The product."""
    source = Source("FROM generate_series(1, $1::integer) AS n", "n", (rows,))
    lists = exports_of(ExportList("bench", "名册", "units.read", [Sheet("名册", COLUMNS, lambda _, __: source)]), words=_words)
    shelf = Shelf(folder, FieldCipher(KeyRing((new_key(1, Suite.AES),))))
    async with db.connect(url, "roster") as database:
        office = Office(database, url, lists, shelf, Clock(None), timedelta(days=1), "演示数据")
        by = By("bench", datetime.now().astimezone(), secrets.token_hex(8), "测量")
        what = AskExport(
            export_id=uuid7(), list="bench", format="xlsx", filters={}, fields=(), unmasked=False, roles=(Role.OBSERVER,), scope=None
        )
        export_id = await ask_export(database, by, what)
        began = time.perf_counter()
        await take_export(office, export_id)
        took = time.perf_counter() - began
        done = await database.pool.fetchval("SELECT rows_done FROM exports WHERE id = $1 AND state = 'export_done'", export_id)
    if done != rows:
        raise RuntimeError("the export was not finished")
    return took


def main(mode: str, rows: int, url: str, folder: Path) -> None:
    seconds = bare(rows, folder) if mode == "bare" else asyncio.run(export(rows, url, folder))
    sys.stdout.write(json.dumps({"seconds": seconds, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
