"""What the activities refuse to take for a seal."""

import asyncio
import base64
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.seal.app import _demo_seal
from deploy.seal.keys import KeptKeySigner, load_or_make
from services.approval.models.facts import SealTask
from services.approval.queries.notices import TEMPLATES
from shared import seal
from shared.clock import Clock
from shared.documents import Renderer
from shared.seal import NotSealable, Prepared, Seal, SealPlatform, SealResult

AT = datetime(2026, 9, 18, 1, 30, tzinfo=UTC)


def prepared_by(signer: KeptKeySigner) -> tuple[Prepared, SealTask]:
    words = {"number": "编核〔2026〕1号", "unit": "云栖镇中心小学", "posts": 1, "issued_on": "2026-09-18"}
    offered = _demo_seal(signer, Clock(None))
    prepared = seal.prepare(Renderer().pdf(TEMPLATES / "post_use_notice.typ", words, AT), offered, "编核〔2026〕1号", AT)
    task = SealTask(
        document_id=uuid.UUID(int=1),
        document_no="编核〔2026〕1号",
        operator="sealer-he",
        seal_code=offered.code,
        prepared=prepared.placeholder.model_dump(),
        prepared_file="p.pdf",
        digest=prepared.placeholder.digest,
        task_id="t",
        answer=None,
    )
    return prepared, task


def answer(signer: KeptKeySigner, digest: str) -> SealResult:
    cms = asyncio.run(signer.async_sign(bytes.fromhex(digest), "sha256", use_pades=True)).dump()
    return SealResult(task_id="t", digest=digest, state="sealed", cms=base64.b64encode(cms).decode(), signed_at=AT)


class Offering(SealPlatform):
    """A platform that offers one seal, and is asked for nothing else."""

    def __init__(self, signer: KeptKeySigner) -> None:
        self.signer = signer

    async def list_seals(self) -> list[Seal]:
        return [_demo_seal(self.signer, Clock(None))]


def completed(offering: KeptKeySigner, prepared: Prepared, task: SealTask, result: SealResult) -> bytes:
    return asyncio.run(seal.completed(Offering(offering), task.seal_code, prepared.pdf, prepared.placeholder, result))  # type: ignore[abstract]


def test_the_platforms_seal_on_our_bytes_is_taken(tmp_path: Path) -> None:
    signer = load_or_make(tmp_path)
    prepared, task = prepared_by(signer)

    sealed = completed(signer, prepared, task, answer(signer, task.digest))

    verdict = seal.verify(sealed, [signer.certificate_pem])
    assert (verdict.intact, verdict.trusted) == (True, True)
    assert len(sealed) == len(prepared.pdf)


def test_a_seal_of_somebody_else_is_not_taken_trap_30(tmp_path: Path) -> None:
    signer, stranger = load_or_make(tmp_path / "a"), load_or_make(tmp_path / "b")
    prepared, task = prepared_by(signer)

    with pytest.raises(NotSealable):
        completed(signer, prepared, task, answer(stranger, task.digest))


def test_where_the_seal_has_got_another_certificate_that_one_is_taken_and_no_third(tmp_path: Path) -> None:
    signer, renewed, stranger = (load_or_make(tmp_path / name) for name in "abc")
    prepared, task = prepared_by(signer)

    sealed = completed(renewed, prepared, task, answer(renewed, task.digest))

    assert seal.verify(sealed, [renewed.certificate_pem]).trusted
    with pytest.raises(NotSealable):
        completed(renewed, prepared, task, answer(stranger, task.digest))


def test_a_seal_on_other_bytes_is_not_taken_trap_30(tmp_path: Path) -> None:
    signer, renewed = load_or_make(tmp_path / "a"), load_or_make(tmp_path / "b")
    prepared, task = prepared_by(signer)

    for each in (signer, renewed):
        with pytest.raises(NotSealable):
            completed(each, prepared, task, answer(each, "f" * 64))
