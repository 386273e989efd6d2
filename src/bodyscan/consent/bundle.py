"""The consent text that a twin carries: the signed record, its binding, and what proves them later.

    {"bodyscan_consent": 1, "record": JWS, "binding": JWS, "attestations": [JWS], "stamps": [], "keys": []}

The last three are left out where there are none. A record that is signed and not bound may stand alone as
its JWS.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bodyscan.consent import strict_json
from bodyscan.consent.jws import is_jws
from bodyscan.consent.state import BindingVerdict, ConsentState, RefusedConsent
from bodyscan.errors import InputError

BUNDLE_MEMBER = "bodyscan_consent"
BUNDLE_VERSION = 1
MAX_ATTESTATIONS = 3
"""Each holds a seal of its own, and the whole text stays below 256 KiB."""
MAX_STAMPS = 32
MAX_STAMP_BYTES = 16 * 1024
_MEMBERS = {BUNDLE_MEMBER, "record", "binding", "attestations", "stamps", "keys"}


class Stamped(StrEnum):
    """What a time stamp is over."""

    RECORD = "record"
    BINDING = "binding"
    ATTESTATION = "attestation"
    """The newest one."""


@dataclass(frozen=True)
class Stamp:
    """One RFC 3161 time-stamp token."""

    of: Stamped
    token: bytes


@dataclass(frozen=True)
class Bundle:
    """The parts of a consent text, as JSON values; nothing of them has been checked but the outline."""

    record: Any
    """A signed record (JWS)."""
    binding: Any = None
    attestations: tuple[Any, ...] = ()
    stamps: tuple[Stamp, ...] = ()
    keys: tuple[Any, ...] = ()
    """Key histories of the people who signed."""

    def to_text(self) -> str:
        """Return the JSON text; a record without anything beside it stays a bare JWS."""
        value: dict[str, Any] = {BUNDLE_MEMBER: BUNDLE_VERSION, "record": self.record}
        if self.binding is not None:
            value["binding"] = self.binding
        if self.attestations:
            value["attestations"] = list(self.attestations)
        if self.stamps:
            value["stamps"] = [
                {"of": str(stamp.of), "token": base64.b64encode(stamp.token).decode()}
                for stamp in self.stamps
            ]
        if self.keys:
            value["keys"] = list(self.keys)
        if len(value) == 2:
            return strict_json.canonical(self.record).decode() + "\n"
        return strict_json.canonical(value).decode()

    def stamped_bytes(self, of: Stamped) -> bytes:
        """Return the bytes that a time stamp of this part is over: the part's JWS as canonical JSON.

        Raises `InputError` where the bundle lacks the part.
        """
        part = {
            Stamped.RECORD: self.record,
            Stamped.BINDING: self.binding,
            Stamped.ATTESTATION: self.attestations[-1] if self.attestations else None,
        }[of]
        if part is None:
            raise InputError(f"the consent holds no {of}, so there is nothing to stamp.")
        return strict_json.canonical(part)


def read_bundle(text: str | None) -> Bundle:
    """Read a signed record or a bundle, or raise `RefusedConsent`; signatures are not looked at."""
    if text is None or not text.strip():
        raise RefusedConsent(
            ConsentState.STRIPPED, "there is no consent record.", geometry=BindingVerdict.STRIPPED
        )
    try:
        return _read(strict_json.loads(text, "the consent"))
    except (ValueError, InputError) as error:
        raise RefusedConsent(ConsentState.ALTERED, f"{str(error).rstrip('.')}.") from None


def _read(value: Any) -> Bundle:
    if is_jws(value):
        return Bundle(value)
    if isinstance(value, dict) and value.get(BUNDLE_MEMBER) is not None and "record" in value:
        if type(value[BUNDLE_MEMBER]) is not int or value[BUNDLE_MEMBER] != BUNDLE_VERSION:
            raise ValueError(
                f"its version {value[BUNDLE_MEMBER]!r} is not known; this software reads {BUNDLE_VERSION}"
            )
        if odd := set(value) - _MEMBERS:
            raise ValueError(f"it has the unknown members {sorted(odd)}")
        return Bundle(
            value["record"],
            value.get("binding"),
            tuple(_list(value, "attestations", MAX_ATTESTATIONS)),
            tuple(_stamp(item) for item in _list(value, "stamps", MAX_STAMPS)),
            tuple(_list(value, "keys", 4)),
        )
    if isinstance(value, dict) and {"subject", "controller", "scope"} <= set(value):
        raise RefusedConsent(ConsentState.STRIPPED, "it is a record that nobody has signed.")
    raise ValueError("it is neither a signed record nor a bound consent")


def _list(value: dict[str, Any], name: str, most: int) -> list[Any]:
    items = value.get(name, [])
    if not isinstance(items, list) or len(items) > most or (name in value and not items):
        raise ValueError(f"its member `{name}` must be a list of 1 to {most}")
    return items


def _stamp(item: Any) -> Stamp:
    if not isinstance(item, dict) or set(item) != {"of", "token"} or item["of"] not in tuple(Stamped):
        raise ValueError(f"a stamp must have `of` ({', '.join(Stamped)}) and `token`")
    if not isinstance(item["token"], str) or len(item["token"]) > MAX_STAMP_BYTES * 4 // 3 + 4:
        raise ValueError("a stamp's token must be base64 text of at most 16 KiB")
    token = base64.b64decode(item["token"], validate=True)
    return Stamp(Stamped(item["of"]), token)
