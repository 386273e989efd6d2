"""Ed25519 keys of the people who sign: made, named by their thumbprint, written and read.

A public key is a JSON Web Key (RFC 8037); its name (`kid`) is the SHA-256 thumbprint of RFC 7638.
Private keys are JWK, or PKCS #8 PEM, which can be locked with a passphrase.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc.jwk import OKPKey
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from bodyscan.consent import strict_json
from bodyscan.consent.curve import check_public_point
from bodyscan.errors import InputError


def b64url_encode(data: bytes) -> str:
    """Return base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def b64url_decode(text: str) -> bytes:
    """Return the bytes of unpadded base64url; `ValueError` unless `text` is their only spelling."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise ValueError("the text is not base64url") from None
    if b64url_encode(data) != text:
        raise ValueError("the base64url text is not in its canonical form")
    return data


class PublicJwk(BaseModel):
    """A sound Ed25519 public key as a JSON Web Key. Private keys and low-order points are refused."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    x: str
    """The 32 bytes of the public point, base64url."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_private(cls, data: Any) -> Any:
        if isinstance(data, dict) and "d" in data:
            raise ValueError("this is a private key; give the public key and keep the private one secret")
        return data

    @model_validator(mode="after")
    def _check_point(self) -> PublicJwk:
        check_public_point(b64url_decode(self.x))
        return self

    @property
    def thumbprint(self) -> str:
        """SHA-256 thumbprint (RFC 7638), base64url, 43 characters: the key's name."""
        members = {"crv": self.crv, "kty": self.kty, "x": self.x}
        return b64url_encode(hashlib.sha256(strict_json.canonical(members)).digest())

    def to_joserfc(self) -> OKPKey:
        """Return the key in the form that `joserfc` verifies with."""
        return OKPKey.import_key({"kty": self.kty, "crv": self.crv, "x": self.x})


@dataclass(frozen=True, repr=False)
class SigningKey:
    """A private Ed25519 key. Its text forms never show the secret."""

    private: Ed25519PrivateKey
    public: PublicJwk

    def __repr__(self) -> str:
        return f"SigningKey({self.thumbprint})"

    @property
    def thumbprint(self) -> str:
        """The thumbprint of the public half."""
        return self.public.thumbprint

    def to_joserfc(self) -> OKPKey:
        """Return the key in the form that `joserfc` signs with."""
        return OKPKey.import_key(self._jwk())

    def _jwk(self) -> dict[str, str | list[str]]:
        return {**self.public.model_dump(), "d": b64url_encode(self.private.private_bytes_raw())}

    def to_jwk_text(self) -> str:
        """Return the PRIVATE key as JWK text."""
        return strict_json.canonical(self._jwk()).decode() + "\n"

    def to_pem_text(self, passphrase: str | None = None) -> str:
        """Return the PRIVATE key as PKCS #8 PEM, locked where a passphrase is given."""
        lock: serialization.KeySerializationEncryption = (
            serialization.BestAvailableEncryption(passphrase.encode())
            if passphrase
            else serialization.NoEncryption()
        )
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock
        ).decode()


def generate_key() -> SigningKey:
    """Return a new random key from the system's secure source."""
    return _signing_key(Ed25519PrivateKey.generate())


def key_from_seed(seed: bytes) -> SigningKey:
    """Return the key of a 32-byte seed. Only as secret as the seed is."""
    if len(seed) != 32:
        raise InputError(f"an Ed25519 seed has 32 bytes; this one has {len(seed)}.")
    return _signing_key(Ed25519PrivateKey.from_private_bytes(seed))


def _signing_key(private: Ed25519PrivateKey) -> SigningKey:
    return SigningKey(private, _public_jwk(private.public_key()))


def _public_jwk(public: Ed25519PublicKey) -> PublicJwk:
    return PublicJwk(x=b64url_encode(public.public_bytes_raw()))


def public_key_pem(key: PublicJwk) -> str:
    """Return a public key as PEM (SubjectPublicKeyInfo)."""
    raw = Ed25519PublicKey.from_public_bytes(b64url_decode(key.x))
    return raw.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def parse_public_key(text: str, what: str = "the public key") -> PublicJwk:
    """Read a public key from JWK or PEM text, or raise `InputError`."""
    try:
        if not text.lstrip().startswith("-----"):
            return PublicJwk.model_validate(strict_json.loads(text, what))
        if "PRIVATE KEY" in text:
            raise ValueError("this is a private key; give the public key and keep the private one secret")
        loaded = serialization.load_pem_public_key(text.encode())
        if not isinstance(loaded, Ed25519PublicKey):
            raise ValueError("it is not an Ed25519 key")
        return _public_jwk(loaded)
    except ValidationError as error:
        raise InputError(f"{what} cannot be used: {key_problem(error)}.") from None
    except ValueError as error:
        raise InputError(f"{what} cannot be used: {error}.") from None


def parse_private_key(text: str, passphrase: str | None = None, what: str = "the private key") -> SigningKey:
    """Read a private key from JWK or PEM text, or raise `InputError`."""
    try:
        if text.lstrip().startswith("-----"):
            return _private_from_pem(text, passphrase)
        return _private_from_jwk(strict_json.loads(text, what))
    except ValidationError as error:
        raise InputError(f"{what} cannot be used: {key_problem(error)}.") from None
    except (ValueError, TypeError) as error:
        raise InputError(f"{what} cannot be used: {error}.") from None


def is_locked(text: str) -> bool:
    """True where the PEM text needs a passphrase."""
    return "ENCRYPTED PRIVATE KEY" in text


def _private_from_pem(text: str, passphrase: str | None) -> SigningKey:
    if "PRIVATE KEY" not in text:
        raise ValueError("this is a public key; signing needs the private one")
    if is_locked(text) and not passphrase:
        raise ValueError("it is locked; give its passphrase (--passphrase-file)")
    password = passphrase.encode() if passphrase and is_locked(text) else None
    try:
        loaded = serialization.load_pem_private_key(text.encode(), password)
    except ValueError:
        reason = "the passphrase is wrong or the file is damaged" if password else "the PEM is damaged"
        raise ValueError(reason) from None
    if not isinstance(loaded, Ed25519PrivateKey):
        raise ValueError("it is not an Ed25519 key")
    return _signing_key(loaded)


def _private_from_jwk(data: Any) -> SigningKey:
    if not isinstance(data, dict) or "d" not in data:
        raise ValueError("this is no private key (it has no member `d`); signing needs the private one")
    public = PublicJwk.model_validate({name: value for name, value in data.items() if name != "d"})
    if not isinstance(data["d"], str) or len(seed := b64url_decode(data["d"])) != 32:
        raise ValueError("its member `d` must be 32 bytes as base64url")
    key = key_from_seed(seed)
    if key.public != public:
        raise ValueError("its public half `x` does not belong to its private half `d`")
    return key


def key_problem(error: ValidationError) -> str:
    """Return what is wrong with a JWK in one plain clause."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
