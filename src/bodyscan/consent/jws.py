"""The one form of JWS (RFC 7515) that is used: general JSON, Ed25519 (RFC 9864), fixed headers.

`joserfc` makes and checks the signatures. Before it sees a text, this file refuses everything that
the form does not have: unprotected headers, `crit`, `none` and all other algorithms, foreign members,
second spellings of base64url, and two signatures of one role.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from bodyscan.consent import strict_json
from bodyscan.consent.keys import PublicJwk, SigningKey, b64url_decode, b64url_encode
from bodyscan.consent.state import ConsentState, RefusedConsent
from bodyscan.errors import InputError

ALGORITHM = "Ed25519"
_HEADER_MEMBERS = {"alg", "kid", "typ", "role"}


class Role(StrEnum):
    """As whom somebody signs."""

    SUBJECT = "subject"
    GUARDIAN = "guardian"
    CONTROLLER = "controller"
    PACKER = "packer"
    """Attests that a file which it packed anew shows the same body."""
    OWNER = "owner"
    """The owner of a list of keys."""
    ISSUER = "issuer"
    """Of a status list."""


@dataclass(frozen=True)
class Signature:
    """One signature with its protected header read."""

    role: Role
    kid: str
    protected: str
    signature: str

    def to_json(self) -> dict[str, str]:
        """Return the member of a JWS `signatures` array."""
        return {"protected": self.protected, "signature": self.signature}


@dataclass(frozen=True)
class Jws:
    """A JWS whose form was checked and whose signatures were not."""

    payload: bytes
    signatures: tuple[Signature, ...]

    def by_role(self, role: Role) -> Signature | None:
        """Return the role's signature, or None."""
        return next((signature for signature in self.signatures if signature.role is role), None)

    def to_json(self) -> dict[str, Any]:
        """Return the general JSON serialization."""
        return {
            "payload": b64url_encode(self.payload),
            "signatures": [signature.to_json() for signature in self.signatures],
        }


def is_jws(value: Any) -> bool:
    """True where a JSON value has the outline of a JWS."""
    return isinstance(value, dict) and "payload" in value and "signatures" in value


def sign_payload(payload: bytes, role: Role, typ: str, key: SigningKey) -> Signature:
    """Return the signature of `key` over `payload`; the same inputs give the same bytes."""
    header = {"alg": ALGORITHM, "kid": key.thumbprint, "role": str(role), "typ": typ}
    signed: dict[str, Any] = {}
    signed |= jws.serialize_json({"protected": header}, payload, key.to_joserfc(), registry=_registry())
    return Signature(role, key.thumbprint, signed["protected"], signed["signature"])


def parse_jws(value: Any, typ: str) -> Jws:
    """Read a general JSON JWS with signatures of the type `typ`, or raise `RefusedConsent`."""
    try:
        return _parse_jws(value, typ)
    except (ValueError, InputError) as error:
        raise RefusedConsent(ConsentState.ALTERED, f"{str(error).rstrip('.')}.") from None


def signature_holds(document: Jws, signature: Signature, key: PublicJwk) -> bool:
    """True where `signature` was made by `key` over the document's payload."""
    flattened: Any = {"payload": b64url_encode(document.payload), **signature.to_json()}
    try:
        jws.deserialize_json(flattened, key.to_joserfc(), registry=_registry())
    except JoseError:
        return False
    return True


def _registry() -> jws.JWSRegistry:
    # The strict check would refuse the header `role`; `_parse_header` is stricter than it is.
    return jws.JWSRegistry(algorithms=[ALGORITHM], strict_check_header=False)


def _parse_jws(value: Any, typ: str) -> Jws:
    if not isinstance(value, dict) or set(value) != {"payload", "signatures"}:
        raise ValueError("the signed text must have the members payload and signatures and no other")
    if not isinstance(value["payload"], str) or not isinstance(value["signatures"], list):
        raise ValueError("payload must be a string and signatures a list")
    signatures = tuple(_parse_signature(item, typ) for item in value["signatures"])
    roles = [signature.role for signature in signatures]
    if len(set(roles)) != len(roles):
        raise ValueError("two signatures claim the same role")
    return Jws(b64url_decode(value["payload"]), signatures)


def _parse_signature(value: Any, typ: str) -> Signature:
    if not isinstance(value, dict) or set(value) != {"protected", "signature"}:
        raise ValueError("a signature must have the members protected and signature and no other")
    protected, signature = value["protected"], value["signature"]
    if not isinstance(protected, str) or not isinstance(signature, str):
        raise ValueError("the members of a signature must be strings")
    header = strict_json.loads(b64url_decode(protected), "a signature's protected header")
    role, kid = _parse_header(header, typ)
    if len(b64url_decode(signature)) != 64:
        raise ValueError("a signature must have 64 bytes")
    return Signature(role, kid, protected, signature)


def _parse_header(header: Any, typ: str) -> tuple[Role, str]:
    if not isinstance(header, dict):
        raise ValueError("a signature's protected header must be a JSON object")
    if header.get("alg") != ALGORITHM:
        raise ValueError(f"the algorithm {header.get('alg')!r} is refused; only {ALGORITHM} is accepted")
    if "crit" in header:
        raise ValueError(f"the critical header extension {header['crit']!r} is not known")
    if set(header) != _HEADER_MEMBERS:
        odd = ", ".join(sorted(set(header) ^ _HEADER_MEMBERS))
        raise ValueError(f"a signature's header must have alg, kid, role and typ and no other: see {odd}")
    if header["typ"] != typ:
        raise ValueError(f"a signature is of the type {header['typ']!r}, not {typ!r}")
    if header["role"] not in tuple(Role) or not isinstance(header["kid"], str):
        raise ValueError(f"a signature's role must be one of {', '.join(Role)} and its kid a string")
    return Role(header["role"]), header["kid"]
