"""The PDF side of a seal: PAdES B-B (ETSI EN 319 142-1) in two halves, so that the process may end between them.

`prepare` fixes the bytes and leaves room for the signature, `complete` puts it there, `verify` reads a sealed file back. All three are
bound to the processor: call them from a thread.
"""

import io
import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from asn1crypto import cms, pem, x509  # type: ignore[import-untyped]  # ships no types
from pydantic import BaseModel, ConfigDict
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.general import CMSStructuralError, SigningError, UnacceptableSignerError
from pyhanko.sign.signers import ExternalSigner, PdfSignatureMetadata, PdfSigner
from pyhanko.sign.signers.pdf_byterange import PreparedByteRangeDigest
from pyhanko.sign.validation import EmbeddedPdfSignature, validate_pdf_signature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko.stamp import StaticStampStyle
from pyhanko_certvalidator import ValidationContext

from shared.documents import sha256_hex
from shared.seal.platform import Seal

FIELD = "seal"
_RESERVED = 16_384
_MILLIMETRE = 72 / 25.4
# The place that the forms keep free (shared/templates/form.typ): the centre from the right and the lower edge of the last page.
_CENTRE = (66 * _MILLIMETRE, 51 * _MILLIMETRE)
_RADIUS = 21 * _MILLIMETRE
# What a damaged file makes the parsers raise; each is the same answer: not intact.
_DAMAGED = (
    PdfError,
    SignatureValidationError,
    CMSStructuralError,
    UnacceptableSignerError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
)


# pyHanko logs a stack trace for each certificate it does not trust; the verdict says so already.
logging.getLogger("pyhanko").setLevel(logging.CRITICAL)


class NotSealable(Exception):  # noqa: N818  named as the fact it states
    """The document is sealed already, or the signature is not one of it."""


class Placeholder(BaseModel):
    """What has to be kept beside the prepared bytes: the digest to sign (hex SHA-256), where the signature goes, and whose it must be."""

    model_config = ConfigDict(frozen=True)

    digest: str
    start: int
    end: int
    certificate: str


@dataclass(frozen=True)
class Prepared:
    """A document whose bytes are final but for the signature."""

    pdf: bytes
    placeholder: Placeholder


@dataclass(frozen=True)
class Verdict:
    """What a sealed file says about itself. `intact`: not a byte was changed or added; `trusted`: signed by one of the given certificates."""

    intact: bool
    trusted: bool
    signer: str | None
    signed_at: datetime | None
    sha256: str


def prepare(pdf: bytes, seal: Seal, reason: str, at: datetime) -> Prepared:
    """Put the seal's face on the last page and make room for its signature; `at` is the sealing time written into the file.

    Raises NotSealable for a document that carries a seal already.
    """
    with tempfile.NamedTemporaryFile(suffix=".pdf") as face:
        face.write(seal.face_pdf)
        face.flush()
        signer = PdfSigner(_metadata(seal, reason), _nobody(seal), stamp_style=_style(face.name), new_field_spec=_field(pdf))
        try:
            session = signer.init_signing_session(IncrementalPdfFileWriter(io.BytesIO(pdf)))
        except SigningError as error:
            raise NotSealable("the document carries a seal already") from error
        session.system_time = at
        digest, output = session.prepare_tbs_document(validation_info=None, bytes_reserved=_RESERVED).digest_tbs_document()
    region = (digest.reserved_region_start, digest.reserved_region_end)
    placeholder = Placeholder(digest=digest.document_digest.hex(), start=region[0], end=region[1], certificate=seal.certificate)
    return Prepared(_content(output), placeholder)


def complete(pdf: bytes, placeholder: Placeholder, signature: bytes) -> bytes:
    """The sealed file from the prepared bytes and the platform's CMS (DER). Raises NotSealable when they do not belong together."""
    region = PreparedByteRangeDigest(bytes.fromhex(placeholder.digest), placeholder.start, placeholder.end)
    sealed = io.BytesIO(pdf)
    try:
        region.fill_with_cms(sealed, signature)
    except SigningError as error:
        raise NotSealable("the signature is too long") from error
    verdict = verify(sealed.getvalue(), [placeholder.certificate])
    if not (verdict.intact and verdict.trusted):
        raise NotSealable("the signature is not one of this document")
    return sealed.getvalue()


def verify(pdf: bytes, trusted_certificates: Sequence[str] = ()) -> Verdict:
    """Read a sealed file. `trusted_certificates` are PEM texts; any damage, and anything added later, makes it not intact."""
    try:
        return _verdict(pdf, trusted_certificates)
    except _DAMAGED:
        return Verdict(intact=False, trusted=False, signer=None, signed_at=None, sha256=sha256_hex(pdf))


def _verdict(pdf: bytes, trusted_certificates: Sequence[str]) -> Verdict:
    (signature,) = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    roots = [_certificate(each) for each in trusted_certificates]
    status = validate_pdf_signature(signature, ValidationContext(trust_roots=roots, allow_fetching=False))
    whole = status.coverage == SignatureCoverageLevel.ENTIRE_FILE and _is_canonical(signature, pdf)
    return Verdict(
        intact=bool(status.intact and status.valid and status.docmdp_ok and whole),
        trusted=bool(status.trusted),
        signer=status.signing_cert.subject.native.get("common_name"),
        signed_at=signature.self_reported_timestamp,
        sha256=sha256_hex(pdf),
    )


def _is_canonical(signature: EmbeddedPdfSignature, pdf: bytes) -> bool:
    """The room of the signature lies outside what is signed; so it must hold the signature, zeros, and nothing else."""
    _, before, after, _ = (int(each) for each in signature.byte_range)
    content = cms.ContentInfo.load(signature.pkcs7_content)
    written = content.dump().hex().upper().encode()
    room = b"<" + written + b"0" * (after - before - 2 - len(written)) + b">"
    filled = content.contents == content["content_type"].dump() + content["content"].dump()
    return bool(pdf[before:after] == room and filled and _says_the_same_twice(content["content"]))


def _says_the_same_twice(signed: cms.SignedData) -> bool:
    """The few fields of a CMS that no signature covers follow from the others (RFC 5652, 5.1 and 5.3)."""
    (signer,) = signed["signer_infos"]
    (algorithm,) = signed["digest_algorithms"]
    version = "v1" if signer["sid"].name == "issuer_and_serial_number" else "v3"
    same_version = signed["version"].native == signer["version"].native == version
    return bool(same_version and algorithm.dump() == signer["digest_algorithm"].dump())


def _content(output: IO[bytes]) -> bytes:
    output.seek(0)
    return output.read()


def _metadata(seal: Seal, reason: str) -> PdfSignatureMetadata:
    return PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        name=seal.owner,
        reason=reason,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
    )


def _nobody(seal: Seal) -> ExternalSigner:
    """A signer without a key: the platform signs."""
    return ExternalSigner(signing_cert=_certificate(seal.certificate), cert_registry=None, signature_value=256)


def _style(face: str) -> StaticStampStyle:
    return StaticStampStyle.from_pdf_file(face, border_width=0, background_opacity=1.0)


def _field(pdf: bytes) -> SigFieldSpec:
    reader = PdfFileReader(io.BytesIO(pdf))
    page, _ = reader.find_page_for_modification(-1)  # type: ignore[no-untyped-call]  # pyHanko leaves it bare
    _, bottom, right, _ = (float(edge) for edge in page.get_object()["/MediaBox"])
    x, y = right - _CENTRE[0], bottom + _CENTRE[1]
    box = (round(x - _RADIUS), round(y - _RADIUS), round(x + _RADIUS), round(y + _RADIUS))
    return SigFieldSpec(FIELD, on_page=-1, box=box)


def _certificate(text: str) -> x509.Certificate:
    _, _, der = pem.unarmor(text.encode())
    return x509.Certificate.load(der)
