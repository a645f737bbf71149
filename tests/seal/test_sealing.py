"""The PDF side: a sealed file verifies by pyHanko itself, and no byte of it can be changed, added or taken away unseen."""

import asyncio
import base64
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from asn1crypto import pem, x509  # type: ignore[import-untyped]  # ships no types
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from deploy.seal.keys import KeptKeySigner, load_or_make
from shared.documents import Renderer, sha256_hex
from shared.seal import NotSealable, Placeholder, Prepared, Seal, complete, prepare, verify

AT = datetime(2026, 9, 18, 1, 30, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
RENDERER = Renderer()
FACE = RENDERER.pdf(ROOT / "deploy" / "seal" / "face.typ", {"owner": "云海市编办演示"}, AT)


class Office(NamedTuple):
    signer: KeptKeySigner
    seal: Seal
    prepared: Prepared
    sealed: bytes


def notice(number: str = "云编核〔2026〕12号") -> bytes:
    data = {"issuer": "云海市编办", "number": number, "unit": "云栖镇中心小学", "demo_seal": True}
    return RENDERER.pdf(ROOT / "services" / "approval" / "templates" / "post_use_notice.typ", data, AT)


def seal_of(signer: KeptKeySigner) -> Seal:
    return Seal(
        code="S",
        name="专用章",
        owner="云海市编办演示",
        certificate=signer.certificate_pem,
        face=base64.b64encode(FACE).decode(),
        simulated=True,
    )


def signed(signer: KeptKeySigner, digest: str) -> bytes:
    return bytes(asyncio.run(signer.async_sign(bytes.fromhex(digest), "sha256", use_pades=True)).dump())


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    signer = load_or_make(tmp_path_factory.mktemp("seal"))
    prepared = prepare(notice(), seal_of(signer), "核准用编", AT)
    return Office(
        signer, seal_of(signer), prepared, complete(prepared.pdf, prepared.placeholder, signed(signer, prepared.placeholder.digest))
    )


def test_a_sealed_document_verifies_with_pyhankos_own_validation(office: Office) -> None:
    (signature,) = PdfFileReader(io.BytesIO(office.sealed)).embedded_signatures
    _, _, der = pem.unarmor(office.seal.certificate.encode())

    status = validate_pdf_signature(signature, ValidationContext(trust_roots=[x509.Certificate.load(der)], allow_fetching=False))

    assert status.bottom_line
    assert signature.sig_object["/SubFilter"] == SigSeedSubFilter.PADES.value
    assert status.pkcs7_signature_mechanism == "sha256_ecdsa"


def test_the_verdict_names_signer_time_and_digest(office: Office) -> None:
    verdict = verify(office.sealed, [office.seal.certificate])

    assert (verdict.intact, verdict.trusted) == (True, True)
    assert (verdict.signed_at, verdict.sha256) == (AT, sha256_hex(office.sealed))
    assert "不具有法律效力" in (verdict.signer or "")


def test_a_seal_of_somebody_else_is_intact_but_not_trusted(office: Office, tmp_path: Path) -> None:
    stranger = load_or_make(tmp_path)

    verdict = verify(office.sealed, [stranger.certificate_pem])

    assert (verdict.intact, verdict.trusted) == (True, False)


def test_sealing_adds_to_the_document_and_changes_none_of_it(office: Office) -> None:
    unsealed = notice()

    assert prepare(unsealed, office.seal, "核准用编", AT).pdf.startswith(unsealed)


def test_one_flipped_bit_anywhere_is_found(office: Office) -> None:
    start, end = office.prepared.placeholder.start, office.prepared.placeholder.end
    places = {
        *range(0, len(office.sealed), 3989),
        *range(start, start + 90),
        *range(start + 90, start + 2300, 41),
        start,
        start + 1,
        end - 1,
        end - 2,
        end,
        len(office.sealed) - 1,
    }

    unseen = [place for place in sorted(places) if _still_good(office, _flipped(office.sealed, place))]

    assert unseen == []


def _flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def _still_good(office: Office, content: bytes) -> bool:
    verdict = verify(content, [office.seal.certificate])
    return verdict.intact and verdict.trusted


def test_an_added_revision_is_found(office: Office) -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(office.sealed))
    writer.set_info(writer.add_object(writer.root.__class__({})))
    changed = io.BytesIO()
    writer.write(changed)  # type: ignore[no-untyped-call]  # pyHanko leaves it bare

    assert changed.getvalue().startswith(office.sealed)
    assert not verify(changed.getvalue(), [office.seal.certificate]).intact


@pytest.mark.parametrize("tail", [b" ", b"\n%added\n"])
def test_bytes_added_at_the_end_are_found(office: Office, tail: bytes) -> None:
    assert not verify(office.sealed + tail, [office.seal.certificate]).intact


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"no pdf at all"])
def test_what_is_no_sealed_document_is_not_intact(content: bytes) -> None:
    assert not verify(content).intact


def test_an_unsealed_and_a_prepared_document_are_not_intact(office: Office) -> None:
    assert not verify(notice()).intact
    assert not verify(office.prepared.pdf).intact


def test_a_document_can_be_completed_by_another_process_from_bytes_and_small_json(office: Office) -> None:
    stored = office.prepared.placeholder.model_dump_json()

    sealed = complete(
        office.prepared.pdf, Placeholder.model_validate_json(stored), signed(office.signer, office.prepared.placeholder.digest)
    )

    assert len(stored) < 2_000
    assert verify(sealed, [office.seal.certificate]).intact


def test_a_signature_of_another_document_is_refused(office: Office) -> None:
    other = prepare(notice("云编核〔2026〕13号"), office.seal, "核准用编", AT)

    with pytest.raises(NotSealable):
        complete(other.pdf, other.placeholder, signed(office.signer, office.prepared.placeholder.digest))


def test_a_signature_by_another_key_is_refused(office: Office, tmp_path: Path) -> None:
    stranger = load_or_make(tmp_path)

    with pytest.raises(NotSealable):
        complete(office.prepared.pdf, office.prepared.placeholder, signed(stranger, office.prepared.placeholder.digest))


def test_a_prepared_document_that_was_changed_on_disk_is_refused(office: Office) -> None:
    with pytest.raises(NotSealable):
        complete(
            _flipped(office.prepared.pdf, 5_000), office.prepared.placeholder, signed(office.signer, office.prepared.placeholder.digest)
        )


def test_a_sealed_document_cannot_be_sealed_again(office: Office) -> None:
    with pytest.raises(NotSealable):
        prepare(office.sealed, office.seal, "again", AT)
