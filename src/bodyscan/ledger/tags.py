"""Blinding: what would name a person stands in an entry as a tag that their salt alone can open.

A tag is HMAC-SHA256 (RFC 2104) keyed with 32 random bytes that belong to one person. Once the salt is
destroyed, nobody can tell from a tag what it stood for, not even by trying all names.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from functools import cached_property

SALT_BYTES = 32


@dataclass(frozen=True, repr=False)
class Blinder:
    """Makes the tags of one person."""

    salt: bytes
    """The person's secret, 32 bytes."""
    _known: dict[tuple[str, str], str] = field(default_factory=dict, compare=False)

    def __repr__(self) -> str:
        return "Blinder(...)"

    def tag(self, what: str, value: str) -> str:
        """Return the tag, 64 hex digits, of a value that is a `what`: a subject, a record, an output ..."""
        mac = self._keyed.copy()
        mac.update(f"{what}\n{value}".encode())
        return mac.hexdigest()

    @cached_property
    def _keyed(self) -> hmac.HMAC:
        return hmac.new(self.salt, digestmod="sha256")

    def kept_tag(self, what: str, value: str) -> str:
        """As `tag`, for values that come again and again within one group of uses."""
        key = (what, value)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self.tag(what, value)
        return found


def subject_tag(salt: bytes, identity: str) -> str:
    """Return the tag by which all entries of a person are known."""
    return Blinder(salt).tag("subject", identity)
