"""A time-stamp authority of its own: certificates, and tokens of RFC 3161 with any moment and any fault.

OpenSSL's `ts` stamps with the computer's clock alone; here every moment is fixed. The DER is written by
hand (ITU-T X.690), with CMS (RFC 5652) around it; `test_time_stamp.py` holds it against OpenSSL.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

STAMPED = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
"""The moment of a token where none is given."""
POLICY = "1.3.6.1.4.1.99999.1"
OIDS = {"sha1": "1.3.14.3.2.26", "sha256": "2.16.840.1.101.3.4.2.1", "sha512": "2.16.840.1.101.3.4.2.3"}
_SIGNED_DATA = "1.2.840.113549.1.7.2"
_TST_INFO = "1.2.840.113549.1.9.16.1.4"
_ECDSA = {"sha1": "1.2.840.10045.4.1", "sha256": "1.2.840.10045.4.3.2", "sha512": "1.2.840.10045.4.3.4"}


def tlv(tag: int, *parts: bytes) -> bytes:
    """Return one DER value."""
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


def integer(value: int) -> bytes:
    """Return an INTEGER that is not negative."""
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER."""
    first, second, *rest = (int(part) for part in dotted.split("."))
    body = bytearray()
    for arc in (40 * first + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | arc & 0x7F)
        body += bytes(reversed(groups))
    return tlv(0x06, bytes(body))


def sequence(*parts: bytes) -> bytes:
    """Return a SEQUENCE."""
    return tlv(0x30, *parts)


def set_of(*parts: bytes) -> bytes:
    """Return a SET OF, sorted as DER wants it."""
    return tlv(0x31, *sorted(parts))


def read_tlv(data: bytes) -> tuple[bytes, bytes]:
    """Return (body of the first value, what follows it)."""
    size, start = data[1], 2
    if size & 0x80:
        start = 2 + (size & 0x7F)
        size = int.from_bytes(data[2:start], "big")
    return data[start : start + size], data[start + size :]


@dataclass(frozen=True)
class Certified:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

    @property
    def pem(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The private key, not locked."""
        return self.locked_key_pem(None)

    def locked_key_pem(self, passphrase: str | None) -> bytes:
        """Return the private key, locked where there is a passphrase."""
        lock: Any = (
            serialization.BestAvailableEncryption(passphrase.encode())
            if passphrase
            else serialization.NoEncryption()
        )
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)


def name(common_name: str) -> x509.Name:
    """Return a distinguished name."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Clock House"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def certify(
    common_name: str,
    issuer: Certified | None = None,
    *,
    ca: bool = False,
    usages: tuple[Any, ...] = (ExtendedKeyUsageOID.TIME_STAMPING,),
    critical: bool = True,
    valid: tuple[int, int] = (2025, 2035),
    serial: int = 7,
    curve: ec.EllipticCurve | None = None,
    ed: bool = False,
    extensions: tuple[x509.ExtensionType, ...] = (),
) -> Certified:
    """Make a certificate, valid from 1 January of the first year to 1 January of the second.

    Its key is on a curve, P-256 where none is given, or Ed25519 (`ed`).
    """
    key = ed25519.Ed25519PrivateKey.generate() if ed else ec.generate_private_key(curve or ec.SECP256R1())
    signer = issuer.key if issuer else key
    subject = name(common_name)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(datetime(valid[0], 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(valid[1], 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    if usages and not ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=critical)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    ed_signer = isinstance(signer, ed25519.Ed25519PrivateKey)
    return Certified(builder.sign(signer, None if ed_signer else hashes.SHA256()), key)


@dataclass(frozen=True)
class Authority:
    """A root, and the certificate below it that stamps."""

    root: Certified = field(default_factory=lambda: certify("Root", ca=True, serial=1))
    between: Certified | None = None
    """A certificate between the two."""
    stamper: Certified | None = None

    @property
    def signer(self) -> Certified:
        assert self.stamper is not None
        return self.stamper

    def token(
        self,
        data: bytes,
        *,
        at: datetime = STAMPED,
        imprint: str = "sha256",
        digest: str = "sha256",
        nonce: int | None = None,
        accuracy_s: int | None = None,
        chain: tuple[Certified, ...] | None = None,
        fraction: str = "",
        signed_as: bytes | None = None,
        listed: str | None = None,
        sort: bool = True,
        named: Certified | None = None,
        ess: str = "v2",
    ) -> bytes:
        """Return a token for `data`.

        `signed_as` puts another content under the signature, `listed` names another hash than the signer's
        in the list of hashes, `sort` orders the certificates as DER wants it, `named` is the certificate that
        the signature names, and `ess` how: `v1` by SHA-1, `v2`, `sha512` as v2 with that hash, or `none`.
        """
        info = sequence(
            integer(1),
            oid(POLICY),
            sequence(sequence(oid(OIDS[imprint]), tlv(0x05)), tlv(0x04, hashlib.new(imprint, data).digest())),
            integer(42),
            tlv(0x18, f"{at:%Y%m%d%H%M%S}{fraction}Z".encode()),
            sequence(integer(accuracy_s)) if accuracy_s is not None else b"",
            integer(nonce) if nonce is not None else b"",
        )
        signer = self.signer.certificate
        attributes = [
            sequence(oid("1.2.840.113549.1.9.3"), set_of(oid(_TST_INFO))),
            sequence(
                oid("1.2.840.113549.1.9.4"),
                set_of(tlv(0x04, hashlib.new(digest, signed_as or info).digest())),
            ),
            *_signing_certificate((named or self.signer).certificate, ess),
        ]
        algorithm: Any = {"sha1": hashes.SHA1, "sha256": hashes.SHA256, "sha512": hashes.SHA512}[digest]()
        key = self.signer.key
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        signature = key.sign(set_of(*attributes), ec.ECDSA(algorithm))
        signer_info = sequence(
            integer(1),
            sequence(signer.issuer.public_bytes(), integer(signer.serial_number)),
            sequence(oid(OIDS[digest])),
            tlv(0xA0, *sorted(attributes)),
            sequence(oid(_ECDSA[digest])),
            tlv(0x04, signature),
        )
        if chain is None:
            chain = (self.signer, *((self.between,) if self.between else ()))
        certificates = [one.certificate.public_bytes(serialization.Encoding.DER) for one in chain]
        if sort:
            certificates.sort()
        signed_data = sequence(
            integer(3),
            set_of(sequence(oid(OIDS[listed or digest]))),
            sequence(oid(_TST_INFO), tlv(0xA0, tlv(0x04, info))),
            tlv(0xA0, *certificates) if certificates else b"",
            set_of(signer_info),
        )
        return sequence(oid(_SIGNED_DATA), tlv(0xA0, signed_data))

    def response(self, data: bytes, request: bytes | None = None, **options: Any) -> bytes:
        """Return what the authority answers to a request (its nonce is copied)."""
        if request is not None:
            options.setdefault("nonce", request_nonce(request))
        return granted(self.token(data, **options))

    def with_stamper(self, **options: Any) -> Authority:
        """Return the same authority with another stamping certificate."""
        return replace(self, stamper=certify("Stamper", self.between or self.root, **options))


def _signing_certificate(certificate: x509.Certificate, form: str) -> list[bytes]:
    """Return the attribute that names a certificate (RFC 2634 and 5035), or nothing."""
    if form == "none":
        return []
    data = certificate.public_bytes(serialization.Encoding.DER)
    name = {"v1": "sha1", "v2": "sha256"}.get(form, form)
    stated = b"" if form in ("v1", "v2") else sequence(oid(OIDS[name]))
    identity = sequence(stated, tlv(0x04, hashlib.new(name, data).digest()))
    number = "12" if form == "v1" else "47"
    return [sequence(oid(f"1.2.840.113549.1.9.16.2.{number}"), set_of(sequence(sequence(identity))))]


def make_authority(
    *, between: bool = False, ca_valid: tuple[int, int] = (2020, 2050), **options: Any
) -> Authority:
    """Make a root and a stamping certificate, with another certificate between them where wanted."""
    root = certify("Root", ca=True, serial=1, valid=ca_valid)
    middle = certify("Between", root, ca=True, serial=2, valid=ca_valid) if between else None
    return Authority(root, middle).with_stamper(**options)


def granted(token: bytes) -> bytes:
    """Return the answer of an authority that stamps."""
    return sequence(sequence(integer(0)), token)


def refusal(status: int = 2, text: str = "not today") -> bytes:
    """Return the answer of an authority that does not stamp."""
    return sequence(sequence(integer(status), sequence(tlv(0x0C, text.encode()))))


def request_nonce(request: bytes) -> int:
    """Return the nonce of a request that asks for a certificate and names no policy."""
    body, _ = read_tlv(request)
    _, after_version = read_tlv(body)
    _, after_imprint = read_tlv(after_version)
    nonce, _ = read_tlv(after_imprint)
    return int.from_bytes(nonce, "big")


def write_openssl_authority(folder: Path, authority: Authority) -> None:
    """Write what `openssl ts -reply -config ts.cnf` needs to stamp as this authority."""
    between = authority.between.pem if authority.between else b""
    (folder / "stamper.pem").write_bytes(authority.signer.pem)
    (folder / "stamper_key.pem").write_bytes(authority.signer.key_pem)
    (folder / "chain.pem").write_bytes(between + authority.root.pem)
    (folder / "serial").write_text("01\n")
    settings = {
        "serial": folder / "serial",
        "default_policy": POLICY,
        "digests": "sha256",
        "signer_digest": "sha256",
        "ess_cert_id_alg": "sha256",
        "accuracy": "secs:1, millisecs:500",
        "ordering": "yes",
        "tsa_name": "yes",
        "signer_cert": folder / "stamper.pem",
        "signer_key": folder / "stamper_key.pem",
        "certs": folder / "chain.pem",
    }
    lines = [f"{name} = {value}" for name, value in settings.items()]
    (folder / "ts.cnf").write_text("\n".join(["[tsa]", "default_tsa = house", "[house]", *lines, ""]))
