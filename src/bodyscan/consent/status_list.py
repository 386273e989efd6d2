"""Status lists: which consents were taken back, in a file that tells nothing else and can lie anywhere.

The format is the W3C Recommendation Bitstring Status List v1.0 (15 May 2025): one bit a consent, index 0 the
left-most bit of the first byte (section 2.2), GZIP, multibase base64url, at least 131,072 bits, so that who
fetches the list does not tell whom they ask about (section 6.1). It is a Verifiable Credential (data model
2.0), secured as `vc+jwt` in compact serialization (W3C VC-JOSE-COSE, section 3.1.1), which is the form that
other verifiers read. The algorithm is written `Ed25519`; `EdDSA`, the name before RFC 9864, is not accepted,
because one name for one algorithm leaves nothing to choose. The issuer is a `did:jwk`, which holds the key
itself: nothing is fetched to find it, and the key that counts is the one in the consent record.

Beyond the standard, each list has a sequence number (`bodyscanSequence`), so that an older list which is
shown again is found out (see `status_memory`).
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from bodyscan.consent import strict_json
from bodyscan.consent.acting_keys import ActingKey, acting_keys
from bodyscan.consent.fields import format_utc, parse_utc, printable
from bodyscan.consent.jws import ALGORITHM
from bodyscan.consent.key_history import KeyHistory, KeyUse
from bodyscan.consent.keys import PublicJwk, SigningKey, b64url_decode, b64url_encode
from bodyscan.consent.policy import CLOCK_SKEW, check_clock
from bodyscan.errors import ConsentError, InputError

MIN_ENTRIES = 131_072
"""Bits of the shortest list that the standard allows (sections 2.2 and 3.2)."""
MAX_ENTRIES = 2**24
"""Bits of the longest list that is read, 2 MiB: what lies beyond is not unpacked."""
MAX_TEXT_BYTES = strict_json.MAX_BYTES
"""Of the whole file, 256 KiB: ten times what 131,072 random bits need."""
DEFAULT_TTL = timedelta(days=1)

CREDENTIALS_CONTEXT = "https://www.w3.org/ns/credentials/v2"
SEQUENCE_TERM = "bodyscanSequence"
SEQUENCE_URN = "urn:bodyscan:status-list#sequence"
_TYP = "vc+jwt"
_CREDENTIAL_TYPE = "BitstringStatusListCredential"
_REFUSED_HEADERS = frozenset({"crit", "b64", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256"})
"""They change how a signature is checked, or bring a key of their own."""
_REFUSED_MEMBERS = frozenset({"vc", "vp", "exp", "nbf"})
"""`vc` and `vp` must not be there (VC-JOSE-COSE, section 1.1.2.1); the others would be a second validity."""


class StatusPurpose(StrEnum):
    """What a set bit means."""

    REVOCATION = "revocation"
    """Taken back; never unset again."""
    SUSPENSION = "suspension"
    """Halted until the bit is unset."""


class RefusedStatusList(ConsentError):
    """A list that cannot be relied upon; `reason` says why, as a clause without full stop."""

    def __init__(self, reason: str) -> None:
        self.reason = printable(reason.rstrip("."))
        super().__init__(f"The status list is refused: {self.reason}.")


@dataclass(frozen=True)
class StatusList:
    """A list whose form and signature were checked."""

    address: str
    """Its `id`, the address that records name."""
    purpose: StatusPurpose
    issuer: str
    """Thumbprint of the issuer's key that records name."""
    sequence: int
    valid_from: datetime
    """UTC."""
    valid_until: datetime
    """UTC; the last moment at which it may be relied upon."""
    ttl: timedelta | None
    """After which time a newer list should be fetched; the list stays valid until `valid_until`."""
    bits: bytes
    """Index 0 is the most significant bit of the first byte."""
    sha256: str
    """Digest of the signed bytes, hex."""
    key: ActingKey
    """The key that signed it: the issuer's, or one that the issuer's key history lists for it."""

    @property
    def size(self) -> int:
        """The number of entries."""
        return 8 * len(self.bits)

    def is_set(self, index: int) -> bool:
        """True where the bit at `index` is set; raises `RefusedStatusList` where there is none."""
        if not 0 <= index < self.size:
            raise RefusedStatusList(f"it has {self.size} entries, and the index is {index}")
        return bool(self.bits[index >> 3] & (0x80 >> (index & 7)))

    def set_indices(self) -> list[int]:
        """Return the indices of all set bits, in order."""
        return [
            8 * place + bit
            for place, byte in enumerate(self.bits)
            if byte
            for bit in range(8)
            if byte & (0x80 >> bit)
        ]


def issuer_did(key: PublicJwk) -> str:
    """Return the `did:jwk` of a key: the name that holds the key itself."""
    return "did:jwk:" + b64url_encode(strict_json.canonical(key.model_dump()))


def make_status_list(
    set_indices: Iterable[int],
    purpose: StatusPurpose,
    address: str,
    issuer_key: SigningKey,
    sequence: int,
    valid_from: datetime,
    valid_until: datetime,
    size: int = MIN_ENTRIES,
    ttl: timedelta = DEFAULT_TTL,
) -> str:
    """Return a signed list as text: one line, to be served as `application/vc+jwt`.

    `size` is the number of bits, a multiple of 8; times are UTC and cut to the second; `ttl` is shortened to
    the validity. The same arguments give the same bytes. Raises `InputError` for an index outside the list,
    a size outside 131,072 to 2^24, a sequence below 1, a validity that ends before it begins, or bits so
    many and so scattered that the text would pass 256 KiB.
    """
    check_clock(valid_from, "valid_from")
    check_clock(valid_until, "valid_until")
    valid_from, valid_until = valid_from.replace(microsecond=0), valid_until.replace(microsecond=0)
    if not valid_from < valid_until:
        raise InputError("a status list must be valid until later than it is valid from.")
    if size % 8 or not MIN_ENTRIES <= size <= MAX_ENTRIES:
        raise InputError(
            f"a status list has {MIN_ENTRIES} to {MAX_ENTRIES} entries, a multiple of 8; not {size}."
        )
    if not 1 <= sequence <= strict_json.MAX_INTEGER:
        raise InputError(f"the sequence number of a status list is at least 1; it is {sequence}.")
    bits = bytearray(size // 8)
    for index in set_indices:
        if not 0 <= index < size:
            raise InputError(f"the index {index} lies outside the list of {size} entries.")
        bits[index >> 3] |= 0x80 >> (index & 7)
    did = issuer_did(issuer_key.public)
    credential = {
        "@context": [CREDENTIALS_CONTEXT, {SEQUENCE_TERM: SEQUENCE_URN}],
        "id": address,
        "type": ["VerifiableCredential", _CREDENTIAL_TYPE],
        "issuer": did,
        "validFrom": format_utc(valid_from),
        "validUntil": format_utc(valid_until),
        SEQUENCE_TERM: sequence,
        "credentialSubject": {
            "id": f"{address}#list",
            "type": "BitstringStatusList",
            "statusPurpose": str(StatusPurpose(purpose)),
            "statusSize": 1,  # the default of the standard; some verifiers refuse a list that does not say so
            "encodedList": "u" + b64url_encode(gzip.compress(bytes(bits), 9, mtime=0)),
            "ttl": int(min(ttl, valid_until - valid_from) / timedelta(milliseconds=1)),
        },
    }
    # The `kid` must be a DID URL where the issuer is one (VC-JOSE-COSE, section 4.1.1).
    header = {"alg": ALGORITHM, "kid": f"{did}#0", "typ": _TYP}
    payload = strict_json.canonical(credential)
    text = jws.serialize_compact(header, payload, issuer_key.to_joserfc(), registry=_registry()) + "\n"
    if len(text) > MAX_TEXT_BYTES:
        raise InputError(
            f"the status list would have {len(text)} bytes, more than the {MAX_TEXT_BYTES} that are read; "
            "spread the records over several lists."
        )
    return text


def read_status_list(
    text: str | bytes,
    issuer: PublicJwk,
    address: str,
    purpose: StatusPurpose,
    now: datetime,
    max_age: timedelta | None = None,
    history: KeyHistory | None = None,
) -> StatusList:
    """Read a list and return it where it may be relied upon at `now` (UTC), or raise `RefusedStatusList`.

    `issuer`, `address` and `purpose` are what the consent record names; `history` is the issuer's, where
    another of its keys may have signed. `max_age` refuses a list that is older, though it be valid still.
    Whether a newer list has been seen is for `StatusMemory` to say.
    """
    status_list = open_status_list(text, issuer, address, purpose, history)
    check_times(status_list, now, max_age)
    return status_list


def open_status_list(
    text: str | bytes,
    issuer: PublicJwk,
    address: str,
    purpose: StatusPurpose,
    history: KeyHistory | None = None,
) -> StatusList:
    """Read a list and check its form and signature, whatever the time, or raise `RefusedStatusList`."""
    try:
        return _open(text, issuer, address, StatusPurpose(purpose), history)
    except (InputError, ValueError) as error:
        raise RefusedStatusList(str(error)) from None


def check_times(status_list: StatusList, now: datetime, max_age: timedelta | None = None) -> None:
    """Raise `RefusedStatusList` where a list is not valid at `now` (UTC), give or take 5 minutes.

    A list is made anew every few days: with the end of its key it is no longer relied upon.
    """
    check_clock(now)
    begins, ends = format_utc(status_list.valid_from), format_utc(status_list.valid_until)
    if now < status_list.valid_from - CLOCK_SKEW:
        raise RefusedStatusList(f"it is not valid yet: it begins at {begins}, and it is {format_utc(now)}")
    if now > status_list.valid_until + CLOCK_SKEW:
        raise RefusedStatusList(f"it is stale: it ended at {ends}, and it is {format_utc(now)}")
    if status_list.key.has_ended(now):
        raise RefusedStatusList(
            f"it is signed with the key {status_list.key.key.thumbprint}, which has ended"
        )
    if max_age is not None and now - status_list.valid_from > max_age + CLOCK_SKEW:
        raise RefusedStatusList(
            f"it is stale: it was made at {begins}, longer ago than the {max_age} that were asked for"
        )


def address_of(text: str | bytes) -> str | None:
    """Return the address that a list claims to be of, nothing checked; None where it cannot be read."""
    try:
        _, payload, _ = _split(text)
        value = strict_json.loads(payload)
    except (InputError, ValueError):
        return None
    address = value.get("id") if isinstance(value, dict) else None
    return address if isinstance(address, str) else None


def _registry() -> jws.JWSRegistry:
    # `_check_header` stands in for the strict check, which knows no header beyond the registered ones.
    registry = jws.JWSRegistry(algorithms=[ALGORITHM], strict_check_header=False)
    registry.max_payload_length = MAX_TEXT_BYTES
    return registry


def _open(
    text: str | bytes, issuer: PublicJwk, address: str, purpose: StatusPurpose, history: KeyHistory | None
) -> StatusList:
    header, payload, compact = _split(text)
    _check_header(strict_json.loads(header, "its protected header"))
    keys = acting_keys(issuer, history, KeyUse.STATUS).values()
    # The `kid` is a hint alone, and other programs write it in other ways: the keys are few, each is tried.
    key = next((acting for acting in keys if _signed_with(acting.key, compact)), None)
    if key is None:
        raise ValueError(
            f"it was not signed with the issuer's key that the record names ({issuer.thumbprint})"
        )
    value = strict_json.loads(payload, "its credential")
    _check_credential(value, address)
    bits, ttl = _read_subject(value.get("credentialSubject"), purpose)
    valid_from, valid_until = (_time(value, name) for name in ("validFrom", "validUntil"))
    if not valid_from < valid_until:
        raise ValueError("its validUntil is not later than its validFrom")
    sequence = value.get(SEQUENCE_TERM)
    if type(sequence) is not int or sequence < 1:
        raise ValueError(f"it has no {SEQUENCE_TERM}, a whole number from 1, so a replay could not be found")
    sha256 = hashlib.sha256(payload).hexdigest()
    return StatusList(
        address, purpose, issuer.thumbprint, sequence, valid_from, valid_until, ttl, bits, sha256, key
    )


def _signed_with(key: PublicJwk, compact: bytes) -> bool:
    try:
        jws.deserialize_compact(compact, key.to_joserfc(), registry=_registry())
    except (JoseError, ValueError):
        return False
    return True


def _split(text: str | bytes) -> tuple[bytes, bytes, bytes]:
    """Return the protected header and the payload, decoded, and the compact form without its newline."""
    data = text.encode("utf-8") if isinstance(text, str) else text
    if len(data) > MAX_TEXT_BYTES:
        raise ValueError(f"it has {len(data)} bytes, more than the {MAX_TEXT_BYTES} that are read")
    compact = data.strip()
    parts = compact.decode("ascii", errors="replace").split(".")
    if len(parts) != 3:
        raise ValueError("it is not a JWS in compact serialization: three parts with a dot between")
    header, payload, signature = (b64url_decode(part) for part in parts)
    if len(signature) != 64:
        raise ValueError("its signature must have 64 bytes")
    return header, payload, compact


def _check_header(header: Any) -> None:
    if not isinstance(header, dict):
        raise ValueError("its protected header must be a JSON object")
    if header.get("alg") != ALGORITHM:
        raise ValueError(f"the algorithm {header.get('alg')!r} is refused; only {ALGORITHM} is accepted")
    if odd := sorted(_REFUSED_HEADERS & set(header)):
        raise ValueError(f"the header {odd[0]} is refused; the record names the key, and nothing else does")
    if header.get("typ") != _TYP:
        raise ValueError(f"it is of the type {header.get('typ')!r}, not {_TYP!r}")


def _check_credential(value: Any, address: str) -> None:
    if not isinstance(value, dict):
        raise ValueError("it holds no credential")
    context, types = value.get("@context"), value.get("type")
    if not isinstance(context, list) or not context or context[0] != CREDENTIALS_CONTEXT:
        raise ValueError(f"its @context must begin with {CREDENTIALS_CONTEXT}")
    if not isinstance(types, list) or not {"VerifiableCredential", _CREDENTIAL_TYPE} <= set(map(str, types)):
        raise ValueError(f"its type must hold VerifiableCredential and {_CREDENTIAL_TYPE}")
    if value.get("id") != address:
        raise ValueError(f"it is the list {value.get('id')!r}; the record names {address}")
    named = value["issuer"].get("id") if isinstance(value.get("issuer"), dict) else value.get("issuer")
    if not isinstance(named, str) or ":" not in named:
        raise ValueError("its issuer must be named by a URL")
    if odd := sorted(_REFUSED_MEMBERS & set(value)):
        raise ValueError(f"the member {odd[0]} has no place in it")


def _read_subject(subject: Any, purpose: StatusPurpose) -> tuple[bytes, timedelta | None]:
    """Return the bits and the time to live."""
    if not isinstance(subject, dict) or subject.get("type") != "BitstringStatusList":
        raise ValueError("its credentialSubject must be one BitstringStatusList")
    stated = subject.get("statusPurpose")
    purposes = stated if isinstance(stated, list) else [stated]
    if str(purpose) not in purposes:
        raise ValueError(f"it is for {stated!r}, not for {purpose}")
    if subject.get("statusSize", 1) != 1 or type(subject.get("statusSize", 1)) is not int:
        raise ValueError("its statusSize must be 1: one bit a consent")
    ttl = subject.get("ttl")
    if ttl is not None and (type(ttl) is not int or ttl < 0):
        raise ValueError("its ttl must be a whole number of milliseconds")
    encoded = subject.get("encodedList")
    if not isinstance(encoded, str) or not encoded.startswith("u"):
        raise ValueError("its encodedList must be multibase base64url, which begins with u")
    bits = _unpack(b64url_decode(encoded[1:]))
    if 8 * len(bits) < MIN_ENTRIES:
        raise ValueError(f"it has {8 * len(bits)} entries, fewer than the {MIN_ENTRIES} that hide one person")
    return bits, None if ttl is None else timedelta(milliseconds=ttl)


def _unpack(data: bytes) -> bytes:
    """Return what one GZIP member holds; it is never unpacked further than `MAX_ENTRIES` bits."""
    unpacker = zlib.decompressobj(wbits=31)  # 31: a GZIP header and its check sum, nothing else
    limit = MAX_ENTRIES // 8
    try:
        bits = unpacker.decompress(data, limit + 1)
    except zlib.error:
        raise ValueError("its encodedList is not sound GZIP") from None
    if len(bits) > limit:
        raise ValueError(f"it unpacks to more than {MAX_ENTRIES} entries")
    if not unpacker.eof:
        raise ValueError("its encodedList is cut off")
    if unpacker.unused_data:
        raise ValueError("its encodedList goes on after the end of the bits")
    return bits


def _time(value: dict[str, Any], name: str) -> datetime:
    if not isinstance(value.get(name), str):
        raise ValueError(f"its {name} is missing")
    return parse_utc(value[name])
