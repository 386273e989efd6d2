"""Checkpoints: the controller signs how long the ledger is and what it holds, and hands that to the subject.

A checkpoint is a JWS (`typ` `bodyscan-checkpoint+jws`, role `controller`) over the tree's root. Who holds one
can prove later that an entry was changed, taken out or cut off. Each names the SHA-256 of the one before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from bodyscan.consent import strict_json
from bodyscan.consent.fields import Sha256Hex, StrictModel, UtcTime, Uuid, printable
from bodyscan.consent.jws import Jws, Role, parse_jws, sign_payload, signature_holds
from bodyscan.consent.keys import PublicJwk, SigningKey
from bodyscan.consent.policy import check_clock
from bodyscan.errors import ConsentError, InputError
from bodyscan.ledger.merkle import build_tree
from bodyscan.ledger.schema import sqlite_errors
from bodyscan.ledger.store import Ledger

CHECKPOINT_TYP = "bodyscan-checkpoint+jws"
CHECKPOINT_SCHEMA = "urn:bodyscan:checkpoint:1"


class CheckpointPayload(StrictModel):
    """What the controller signs."""

    schema_: Annotated[Literal["urn:bodyscan:checkpoint:1"], Field(alias="schema")]
    ledger_id: Uuid
    size: Annotated[int, Field(ge=0)]
    """Number of entries."""
    root: Sha256Hex
    """Root of the Merkle tree over the entries' hashes (RFC 9162)."""
    at: UtcTime
    previous: Sha256Hex | None = None
    """SHA-256 of the text of the checkpoint before; None for the first."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint whose form was read; `is_signed_by` checks its signature."""

    text: str
    """One line of canonical JSON, as it is handed out."""
    jws: Jws
    payload: CheckpointPayload

    @property
    def size(self) -> int:
        """Number of entries that it covers."""
        return self.payload.size

    @property
    def root(self) -> bytes:
        """The tree's root, 32 bytes."""
        return bytes.fromhex(self.payload.root)

    @property
    def sha256(self) -> str:
        """Hex digest of `text`, by which the next checkpoint names it."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def kid(self) -> str:
        """Thumbprint of the key that says that it signed."""
        return self.jws.signatures[0].kid

    def is_signed_by(self, keys: Iterable[PublicJwk]) -> bool:
        """True where one of the keys made the signature."""
        signature = self.jws.signatures[0]
        return any(key.thumbprint == self.kid and signature_holds(self.jws, signature, key) for key in keys)


def parse_checkpoint(text: str | bytes, what: str = "the checkpoint") -> Checkpoint:
    """Read a checkpoint; its signature is not checked. Raises `InputError` that begins with `what`."""
    try:
        value = strict_json.loads(text, what)
        document = parse_jws(value, CHECKPOINT_TYP)
        if [signature.role for signature in document.signatures] != [Role.CONTROLLER]:
            raise ValueError("it must have one signature, the controller's")
        payload = CheckpointPayload.model_validate_json(document.payload)
        if strict_json.canonical(_members(payload)) != document.payload:
            raise ValueError("its payload is not in canonical JSON")
    except ConsentError as error:
        raise InputError(f"{what} cannot be used. {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(printable(f"{what} is not valid: {place}: {first['msg']}.")) from None
    except ValueError as error:
        raise InputError(f"{what} is not valid: {error}.") from None
    return Checkpoint(_text(document), document, payload)


def add_checkpoint(ledger: Ledger, key: SigningKey, now: datetime) -> Checkpoint:
    """Sign the ledger as it is, append the checkpoint to it and return it, to be handed out.

    Raises `InputError` where the ledger no longer holds what the last checkpoint says (then it was changed,
    and is not signed), or that was signed by another key later than `now`.
    """
    check_clock(now)
    with ledger.writing() as connection:
        tree = build_tree(ledger.hashes())
        last = _last(ledger)
        if last is not None:
            if last.size > tree.size or tree.root_at(last.size) != last.root:
                raise InputError(
                    f"the ledger {ledger.path} is not the one of its last checkpoint: entries were changed "
                    "or cut off. It is not signed; run `bodyscan ledger verify`."
                )
            if last.payload.at > now:
                raise InputError("the last checkpoint is dated later than now; set the clock right.")
        payload = CheckpointPayload.model_validate(
            {
                "schema": CHECKPOINT_SCHEMA,
                "ledger_id": ledger.ledger_id,
                "size": tree.size,
                "root": tree.root.hex(),
                "at": now.replace(microsecond=0),
                "previous": last.sha256 if last else None,
            }
        )
        data = strict_json.canonical(_members(payload))
        document = Jws(data, (sign_payload(data, Role.CONTROLLER, CHECKPOINT_TYP, key),))
        made = Checkpoint(_text(document), document, payload)
        connection.execute(
            "INSERT INTO checkpoints (number, text) "
            "VALUES ((SELECT coalesce(max(number), 0) + 1 FROM checkpoints), ?)",
            (made.text,),
        )
    return made


def checkpoint_texts(ledger: Ledger) -> tuple[str, ...]:
    """Return the texts of the checkpoints in the ledger, in their order: not checked here."""
    with sqlite_errors(ledger.path):
        rows = ledger.connection.execute("SELECT text FROM checkpoints ORDER BY number").fetchall()
    return tuple(row[0] for row in rows)


def last_checkpoint(ledger: Ledger) -> Checkpoint | None:
    """Return the newest checkpoint in the ledger, or None."""
    return _last(ledger)


def _last(ledger: Ledger) -> Checkpoint | None:
    texts = checkpoint_texts(ledger)
    return parse_checkpoint(texts[-1], "the ledger's last checkpoint") if texts else None


def _members(payload: CheckpointPayload) -> dict[str, object]:
    return payload.model_dump(mode="json", by_alias=True, exclude_none=True)


def _text(document: Jws) -> str:
    return strict_json.canonical(document.to_json()).decode() + "\n"
