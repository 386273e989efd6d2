"""X.509 certificates (RFC 5280) in PEM: roots that a verifier trusts, and a signer's chain with its key."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from bodyscan.consent.fields import printable
from bodyscan.errors import InputError

MAX_PEM_BYTES = 256 * 1024
MAX_CERTIFICATES = 64
_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, repr=False)
class SigningIdentity:
    """A certificate chain and the private key of its first certificate. Its text form shows no secret."""

    chain_pem: str
    """The signer's certificate first, then those above it; the root may be left out."""
    key_pem: str
    """PRIVATE: PKCS #8, not locked."""
    algorithm: str
    """The name of the signature in COSE: `es256`, `es384`, `es512` or `ed25519`."""
    subject: str
    """The distinguished name of the signer's certificate (RFC 4514)."""

    def __repr__(self) -> str:
        return f"SigningIdentity({self.subject})"


def read_certificates(
    pem: str | bytes | Iterable[str | bytes], what: str = "the certificates"
) -> tuple[x509.Certificate, ...]:
    """Return every certificate in one or more PEM texts (256 KiB and 64 certificates at most).

    Raises `InputError`, whose message starts with `what`, where there is none or one is damaged.
    """
    texts = [pem] if isinstance(pem, str | bytes) else list(pem)
    data = b"\n".join(text.encode() if isinstance(text, str) else text for text in texts)
    if len(data) > MAX_PEM_BYTES:
        raise InputError(f"{what} cannot be read: more than {MAX_PEM_BYTES} bytes.")
    blocks = _BLOCK.findall(data)
    if not blocks:
        raise InputError(f"{what} cannot be read: there is no certificate in PEM form.")
    if len(blocks) > MAX_CERTIFICATES:
        raise InputError(f"{what} cannot be read: more than {MAX_CERTIFICATES} certificates.")
    try:
        return tuple(x509.load_pem_x509_certificate(block) for block in blocks)
    except (ValueError, x509.InvalidVersion) as error:
        raise InputError(printable(f"{what} cannot be read: {error}.")) from None


def certificates_pem(certificates: Iterable[x509.Certificate]) -> str:
    """Return certificates as one PEM text."""
    return "".join(one.public_bytes(serialization.Encoding.PEM).decode() for one in certificates)


def read_identity(
    chain_pem: str | bytes, key_pem: str | bytes, passphrase: str | None = None
) -> SigningIdentity:
    """Read a chain and the key of its first certificate.

    Raises `InputError` where a text is damaged, the passphrase is missing or wrong, the key is of a kind
    that is not used here, or it does not belong to the first certificate.
    """
    chain = read_certificates(chain_pem, "the certificate chain")
    data = key_pem.encode() if isinstance(key_pem, str) else key_pem
    try:
        key = serialization.load_pem_private_key(data, passphrase.encode() if passphrase else None)
    except TypeError:
        wanted = "takes no passphrase" if passphrase else "is locked; give its passphrase"
        raise InputError(f"the certificate's private key {wanted}.") from None
    except (ValueError, UnsupportedAlgorithm):
        raise InputError(
            "the certificate's private key cannot be read: it is no PEM key, or the passphrase is wrong."
        ) from None
    algorithm = _algorithm(key)
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    subject = chain[0].subject.rfc4514_string()
    if public != _public_der(chain[0]):
        raise InputError(
            printable(
                f"the private key does not belong to the first certificate of the chain ({subject}). "
                "Put the signer's own certificate first, or give its key."
            )
        )
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return SigningIdentity(certificates_pem(chain), plain.decode(), algorithm, printable(subject))


def weak_key(certificate: x509.Certificate) -> str | None:
    """Return what is too weak about a certificate's key, in words, or None where nothing is.

    At least 2,048 bits of RSA or 224 of an elliptic curve (NIST SP 800-131A rev. 2); Ed25519 as it is.
    """
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return None if key.key_size >= 2048 else f"an RSA key of {key.key_size} bits"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return None if key.key_size >= 224 else f"an elliptic curve of {key.key_size} bits"
    return None if isinstance(key, ed25519.Ed25519PublicKey) else f"a key of the kind {type(key).__name__}"


def _public_der(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _algorithm(key: object) -> str:
    curves = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in curves:
        return curves[key.curve.name]
    raise InputError(
        "the certificate's private key is of a kind that is not used here; possible are Ed25519 and the "
        "elliptic curves P-256, P-384 and P-521."
    )
