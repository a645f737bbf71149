"""Files nobody should open, made here: each is what a careless or a wicked sender might bring."""

import io
import random
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import xlsxwriter

TITLE = "人员"


def book(fill: Callable[[Any, Any], None] | None = None, **options: Any) -> bytes:
    """An honest workbook of one sheet; `fill(book, sheet)` writes into it."""
    target = io.BytesIO()
    made = xlsxwriter.Workbook(target, {"in_memory": True, **options})
    sheet = made.add_worksheet(TITLE)
    sheet.write_row(0, 0, ["单位", "姓名", "编制数"])
    sheet.write_row(1, 0, ["甲单位", "测试甲", 3])
    if fill:
        fill(made, sheet)
    made.close()
    return target.getvalue()


def with_parts(content: bytes, parts: dict[str, bytes], replace: Callable[[str, bytes], bytes] = lambda _, data: data) -> bytes:
    """The same archive with more parts, or altered ones."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for entry in source.infolist():
            made.writestr(entry.filename, replace(entry.filename, source.read(entry)))
        for name, data in parts.items():
            made.writestr(name, data)
    return target.getvalue()


def sheet_of(xml: str) -> bytes:
    """A workbook whose sheet data are these."""
    return with_parts(book(), {}, lambda name, data: _with_rows(xml) if name == "xl/worksheets/sheet1.xml" else data)


def _with_rows(xml: str) -> bytes:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="{space}"><sheetData>{xml}</sheetData></worksheet>'.encode()


def far_cell() -> bytes:
    first = '<row r="1"><c r="A1"><v>1</v></c></row>'
    return sheet_of(f'{first}<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')


def wide_and_long() -> bytes:
    """Within the numbers of rows and columns that are taken, and yet two gigabytes for the parser."""
    return sheet_of('<row r="1"><c r="A1"><v>1</v></c></row><row r="199999"><c r="KN199999"><v>1</v></c></row>')


def columns(_: Any, sheet: Any) -> None:
    sheet.write(0, 16_383, "x")


def formula(text: str, result: str = "<v>7</v>", beside: str = "") -> bytes:
    """One cell with a formula and a value that its program computed."""
    cells = '<c r="A1" t="inlineStr"><is><t>单位</t></is></c><c r="B1" t="inlineStr"><is><t>姓名</t></is></c>'
    return sheet_of(f'<row r="1">{cells}</row><row r="2"><c r="A2"><f>{text}</f>{result}</c>{beside}</row>')


def long_texts() -> bytes:
    """19 rows of 40 long cells."""
    text = random.Random(1).randbytes(15_000).hex()
    cells = "".join(f'<c t="inlineStr"><is><t>{number}{text}</t></is></c>' for number in range(40))
    return sheet_of("".join(f'<row r="{row}">{cells}</row>' for row in range(1, 20)))


def lying(content: bytes) -> bytes:
    """An archive whose end record claims a million entries."""
    place = content.rfind(b"PK\x05\x06")
    return content[: place + 8] + struct.pack("<HHI", 65_535, 65_535, 60_000_000) + content[place + 16 :]


def traversing(content: bytes) -> bytes:
    return with_parts(content, {"../../etc/passwd": b"x"})


def doubled(content: bytes) -> bytes:
    target = io.BytesIO(content)
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr("XL/worksheets/sheet1.xml", b"<x/>")
    return target.getvalue()


def bomb() -> bytes:
    """Made piece by piece: making it must not cost what opening it would."""
    target = io.BytesIO(book())
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/worksheets/sheet9.xml", "w") as part:
        for _ in range(60):
            part.write(b" " * 1_000_000)
    return target.getvalue()


def entities() -> bytes:
    evil = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><sst>&e;</sst>'
    return with_parts(book(), {}, lambda name, data: evil if name == "xl/sharedStrings.xml" else data)


def many_names() -> bytes:
    return with_parts(book(), {f"xl/media/{number}.png": b"" for number in range(3_000)})


HOSTILE: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "a bomb": (bomb, ".xlsx", "异常庞大"),
    "a directory of millions": (lambda: lying(book()), ".xlsx", "异常庞大"),
    "thousands of parts": (many_names, ".xlsx", "异常庞大"),
    "a cell in the last corner": (far_cell, ".xlsx", "范围过大"),
    "a sheet that asks for two gigabytes": (wide_and_long, ".xlsx", "范围过大"),
    "sixteen thousand columns": (lambda: book(columns), ".xlsx", "范围过大"),
    "a million columns of a csv": (("单位" + "," * 1_100_000 + "x\n").encode, ".csv", "范围过大"),
    "external entities": (entities, ".xlsx", "实体定义"),
    "a macro": (lambda: with_parts(book(), {"xl/vbaProject.bin": b"x"}), ".xlsx", "宏"),
    "a macro by its name": (book, ".xlsm", "宏"),
    "an embedded object": (lambda: with_parts(book(), {"xl/embeddings/oleObject1.bin": b"x"}), ".xlsx", "宏或控件"),
    "an external link": (lambda: with_parts(book(), {"xl/externalLinks/externalLink1.xml": b"<x/>"}), ".xlsx", "外部链接"),
    "a data connection": (lambda: with_parts(book(), {"xl/connections.xml": b"<x/>"}), ".xlsx", "外部链接"),
    "a DDE formula": (lambda: formula("cmd|'/c calc'!A0"), ".xlsx", "外部程序"),
    "a formula that calls a web page": (lambda: formula("WEBSERVICE(&quot;http://x&quot;)"), ".xlsx", "外部程序"),
    "a path out of the archive": (lambda: traversing(book()), ".xlsx", "异常的路径"),
    "a part twice": (lambda: doubled(book()), ".xlsx", "重复的部件"),
    "an old workbook": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 4_000, ".xlsx", "旧版 Excel"),
    "a locked workbook": (
        lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 4_000 + "EncryptedPackage".encode("utf-16-le"),
        ".xlsx",
        "打开密码",
    ),
    "a pdf": (lambda: b"%PDF-1.7\n" + b"x" * 100, ".xlsx", "PDF"),
    "a program": (lambda: b"MZ" + b"\0" * 100, ".xlsx", "程序"),
    "a web page": (lambda: b"<html><table><tr><td>x</td></tr></table></html>", ".xlsx", "网页"),
    "a text called xlsx": ("单位,姓名\n".encode, ".xlsx", "内容却是文本"),
    "a workbook called csv": (book, ".csv", "内容却是 Excel"),
    "a word document": (lambda: with_parts(b"PK\x05\x06" + b"\0" * 18, {"word/document.xml": b"<x/>"}), ".xlsx", "不是 .xlsx"),
    "another suffix": (lambda: b"x,y\n", ".exe", "只接受"),
    "half a file": (lambda: book()[:900], ".xlsx", "损坏"),
    "nothing": (lambda: b"", ".xlsx", "空的"),
    "blanks": (lambda: b" \r\n" * 50, ".csv", "空的"),
    "no text": (lambda: bytes(range(128, 256)) * 9, ".csv", "编码"),
    "full-width commas": ("某镇花名册\n单位，姓名\n甲单位，测试甲\n乙单位，测试乙\n".encode, ".csv", "全角的“，”分隔.*替换为英文逗号"),
    "traditional Chinese": (lambda: "單位,姓名,編制類型\n甲單位,測試甲,事業編制\n".encode("big5"), ".csv", "Big5.*UTF-8"),
    "a quote that is never closed": ('单位,姓名\n甲,乙\n"丙,丁\n戊,己\n'.encode, ".csv", "第 3 行"),
    "a quote that is closed rows below": ('单位,姓名\n"甲,乙\n丙,"丁"\n'.encode, ".csv", "第 2 行"),
    "binary text": ("单位,姓名\n甲\0,乙\n".encode, ".csv", "控制字符"),
    "a part in another encoding": (
        lambda: with_parts(book(), {}, lambda name, data: data.decode().encode("utf-16") if "sharedStrings" in name else data),
        ".xlsx",
        "损坏",
    ),
}
