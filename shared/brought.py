"""What a file is that somebody brings: told by the end of its name and by what is in it. Forms that can hold a program are not among them."""

import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePath

NAME = 200
_OFFICE = "application/vnd.openxmlformats-officedocument"


@dataclass(frozen=True)
class Form:
    """How a file of this form begins, and what an archive of this form holds."""

    media_type: str
    begins: bytes
    holds: str = ""


FORMS = {
    ".pdf": Form("application/pdf", b"%PDF-"),
    ".ofd": Form("application/ofd", b"PK\x03\x04", "OFD.xml"),
    ".jpg": Form("image/jpeg", b"\xff\xd8\xff"),
    ".jpeg": Form("image/jpeg", b"\xff\xd8\xff"),
    ".png": Form("image/png", b"\x89PNG\r\n\x1a\n"),
    ".docx": Form(f"{_OFFICE}.wordprocessingml.document", b"PK\x03\x04", "word/"),
    ".xlsx": Form(f"{_OFFICE}.spreadsheetml.sheet", b"PK\x03\x04", "xl/"),
}


def form_of(name: str) -> Form | None:
    """The form that a name claims; none for those that are not taken."""
    return FORMS.get(PurePath(name).suffix.lower())


def is_of(form: Form, content: bytes) -> bool:
    """Whether the content is of the form. Of an archive only the names in it are looked at; nothing is unpacked."""
    if not content.startswith(form.begins):
        return False
    if not form.holds:
        return True
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            return any(member.startswith(form.holds) for member in archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def plain_name(name: str) -> str:
    """Without folders and without what cannot be printed."""
    return "".join(each for each in PurePath(name.replace("\\", "/")).name if each.isprintable())[-NAME:]
