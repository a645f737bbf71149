"""The platform's key (P-256) and self-signed certificate, made on first start and kept."""

from datetime import UTC, datetime
from pathlib import Path

from asn1crypto import keys as asn1_keys  # type: ignore[import-untyped]  # ships no types
from asn1crypto import pem
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pyhanko.sign.signers import SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

OWNER = "望汐市机构编制委员会办公室演示"
# Wide, because the business clock of a demonstration may stand in any year.
_VALID = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2099, 12, 31, tzinfo=UTC))


class KeptKeySigner(SimpleSigner):
    """pyHanko parses and checks the key anew for every signature; this one keeps the key object (P-256 with SHA-256 only)."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        """The certificate must belong to the key."""
        self._key = key
        self._certificate = asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))
        super().__init__(
            signing_cert=self._certificate,
            signing_key=asn1_keys.PrivateKeyInfo.load(_der(key)),
            cert_registry=SimpleCertificateStore(),  # type: ignore[no-untyped-call]  # pyHanko leaves it bare
        )

    def sign_raw(self, data: bytes, digest_algorithm: str) -> bytes:
        if digest_algorithm != "sha256":
            raise ValueError("this key signs SHA-256 only")
        return self._key.sign(data, ec.ECDSA(hashes.SHA256()))

    @property
    def certificate_pem(self) -> str:
        """The certificate that whoever wants to verify must trust."""
        return str(pem.armor("CERTIFICATE", self._certificate.dump()), "ascii")

    @property
    def serial(self) -> str:
        """Serial number of the certificate, hexadecimal."""
        return f"{self._certificate.serial_number:x}"


def load_or_make(folder: Path) -> KeptKeySigner:
    """The signer of this platform. Key and certificate are one file, so that no crash leaves one without the other."""
    path = folder / "seal.pem"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_bytes(_make())
        fresh.replace(path)
    content = path.read_bytes()
    key = serialization.load_pem_private_key(content, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{path} holds a key of another kind")
    return KeptKeySigner(key, x509.load_pem_x509_certificate(content))


def _make() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, OWNER),
            x509.NameAttribute(NameOID.COMMON_NAME, "模拟章（不具有法律效力）"),
        ]
    )
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), *_VALID)
    certificate = (
        builder.add_extension(usage, critical=True)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + certificate.public_bytes(serialization.Encoding.PEM)


def _der(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
