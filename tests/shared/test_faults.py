"""An error nobody foresaw tells its kind and its place, and not the number it stumbled over: in logs, spans and histories."""

import asyncio
import logging
import secrets
from typing import NoReturn

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import BaseModel, ValidationError
from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError

from shared.errors import Conflict
from shared.faults import keep_words_out_of_logs, told, wordless
from shared.temporal import converter

NUMBER, NAME = "330499198603050025", "泄露示例人"


class Card(BaseModel):
    """Something that quotes what it does not take."""

    number: int


def stumble() -> NoReturn:
    try:
        try:
            Card.model_validate({"number": f"{NUMBER}?"})
        except ValidationError as error:
            raise KeyError(NAME) from error
    except KeyError:
        raise ExceptionGroup(NUMBER, [ValueError(NUMBER), Conflict(who=NAME)]) from None
    raise AssertionError("unreachable")


def stumbled() -> BaseException:
    with pytest.raises(ExceptionGroup) as raised:
        stumble()
    return raised.value


def test_a_traceback_names_kinds_and_places_and_says_nothing_else() -> None:
    text = told(stumbled())

    assert NUMBER not in text
    assert NAME not in text
    assert "in stumble" in text
    assert all(each in text for each in ("ExceptionGroup", "ValueError", "Conflict: conflict"))


def test_a_cause_is_told_as_silently() -> None:
    try:
        try:
            Card.model_validate({"number": f"{NUMBER}?"})
        except ValidationError as error:
            raise RuntimeError(NAME) from error
    except RuntimeError as error:
        text = told(error)

    assert (NUMBER in text, NAME in text) == (False, False)
    assert text.index("ValidationError") < text.index("RuntimeError")


@pytest.mark.parametrize("logger", ["uvicorn.error", "asyncio", "temporalio.activity"])
def test_no_logger_of_anybody_writes_the_words_of_an_error(logger: str, caplog: pytest.LogCaptureFixture) -> None:
    before = logging.getLogRecordFactory()
    keep_words_out_of_logs()
    try:
        error = stumbled()
        logging.getLogger(logger).error(f"went wrong\nfuture: {error!r}" if logger == "asyncio" else "went wrong", exc_info=error)
    finally:
        logging.setLogRecordFactory(before)

    assert "went wrong" in caplog.text
    assert "ValueError" in caplog.text
    assert (NUMBER in caplog.text, NAME in caplog.text) == (False, False)


def test_a_span_tells_which_error_and_not_its_words() -> None:
    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    with pytest.raises(ExceptionGroup), provider.get_tracer("test").start_as_current_span("x", attributes={"case.id": "approval:1"}):
        stumble()

    [span] = [wordless(each) for each in kept.get_finished_spans()]

    assert NUMBER in kept.get_finished_spans()[0].to_json()
    assert (NUMBER in span.to_json(), NAME in span.to_json()) == (False, False)
    assert span.events[0].attributes == {"exception.type": "ExceptionGroup", "exception.escaped": "False"}
    assert (span.attributes or {})["case.id"] == "approval:1"


@pytest.mark.asyncio
async def test_a_history_keeps_the_kind_of_an_error_and_what_we_say_ourselves() -> None:
    both = converter(secrets.token_bytes(32))
    texts = []
    for error in (stumbled(), ApplicationError("refused: quota_exhausted", type="quota_exhausted")):
        failure = Failure()
        await both.encode_failure(error, failure)
        read = await both.decode_failure(failure)
        texts.append(f"{read!r} {read} {failure}")
        await asyncio.sleep(0)

    assert (NUMBER in texts[0], NAME in texts[0]) == (False, False)
    assert "ExceptionGroup" in texts[0]
    assert "quota_exhausted" in texts[1]
