"""Why somebody does what stays on record: words, for whoever reads the record. A number alone tells nobody anything."""

from typing import Annotated

from pydantic import AfterValidator, Field

LEAST = 4
_LETTERS = 2


def is_reason(text: str) -> bool:
    """Whether it is four characters long, and some of it is words: 核对12 is one, 1234 and a day are none."""
    return len(text.strip()) >= LEAST and _is_words(text)


def _is_words(text: str) -> bool:
    return sum(map(str.isalpha, text)) >= _LETTERS


def _words(text: str) -> str:
    if not _is_words(text):
        raise ValueError("须写明理由，不能只有数字或符号")
    return text


Reason = Annotated[str, Field(min_length=LEAST, max_length=500), AfterValidator(_words)]
"""As a body or a command has it."""
