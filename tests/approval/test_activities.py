"""What the activities refuse to take for a seal."""

import asyncio
import base64
import dataclasses
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.seal.app import _demo_seal
from deploy.seal.keys import KeptKeySigner, load_or_make
from services.approval.activities import _sealed
from services.approval.models.facts import SealTask
from services.approval.queries.notices import TEMPLATES
from shared import seal
from shared.clock import Clock
from shared.documents import Renderer
from shared.seal import NotSealable, Prepared, SealResult

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


def test_the_platforms_seal_on_our_bytes_is_taken(tmp_path: Path) -> None:
    signer = load_or_make(tmp_path)
    prepared, task = prepared_by(signer)

    sealed, verdict = _sealed(prepared.pdf, task, answer(signer, task.digest))

    assert (verdict.intact, verdict.trusted) == (True, True)
    assert len(sealed) == len(prepared.pdf)


def test_a_seal_of_somebody_else_is_not_taken_trap_30(tmp_path: Path) -> None:
    signer, stranger = load_or_make(tmp_path / "a"), load_or_make(tmp_path / "b")
    prepared, task = prepared_by(signer)

    with pytest.raises(NotSealable):
        _sealed(prepared.pdf, task, answer(stranger, task.digest))


def test_a_seal_on_other_bytes_is_not_taken_trap_30(tmp_path: Path) -> None:
    signer = load_or_make(tmp_path)
    prepared, task = prepared_by(signer)

    with pytest.raises(NotSealable):
        _sealed(prepared.pdf, dataclasses.replace(task), answer(signer, "f" * 64))
