"""Attacks with keys that ended, were stolen or belong to others, and with clocks that nobody believes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from bodyscan.consent.binding import BINDING_TYP
from bodyscan.consent.bundle import Stamp, Stamped, read_bundle
from bodyscan.consent.jws import Role, sign_payload
from bodyscan.consent.key_history import KeyHistory, KeyUse, ListedKey, extend_history, start_history
from bodyscan.consent.keys import b64url_decode, b64url_encode
from bodyscan.consent.state import ConsentState
from bodyscan.consent.strict_json import canonical
from consent.attacks_base import (
    BOUND,
    Case,
    Rows,
    Verdict,
    allow,
    altered_text,
    bundle,
    deny,
    honest,
    known,
    with_text,
)
from consent.attacks_bindings import DAY, resigned
from consent.authority import Authority, make_authority
from consent.people import ANNA, NOW, PACKER, SHOP, STRANGER, STUDIO

KEYS = Rows("Old, stolen and foreign keys")

# Keys: the studio's history lists a second key for bindings, which ends on the tenth of May.

BEGIN, END = datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 5, 10, tzinfo=UTC)


@cache
def history(ended: bool = True, compromised: bool = False) -> KeyHistory:
    """The studio's keys: its root, and another one for bindings until its end."""
    first = start_history(STUDIO, (), BEGIN)
    listed = ListedKey(key=PACKER.public, uses=(KeyUse.BINDING,), active_from=BEGIN)
    known_keys = extend_history(first, STUDIO, (*first.current.keys, listed), BEGIN + DAY)
    if not ended:
        return known_keys
    end = {"compromised_at": END} if compromised else {"active_until": END}
    over = listed.model_copy(update=end)
    root = known_keys.current.keys[0]
    return extend_history(known_keys, STUDIO, (root, over), END + DAY)


@cache
def authority() -> Authority:
    """Whose clock the verifier believes."""
    return make_authority()


def old_key(
    token_of: Any = None, at: datetime = BOUND, keys: KeyHistory | None = None, roots: Any = None
) -> Case:
    """The honest body bound with the studio's second key on the first of May, and perhaps a time stamp."""
    members = bundle()
    members["binding"] = resigned(members["binding"], BINDING_TYP, Role.CONTROLLER, PACKER)
    members["keys"] = [(keys or history()).to_value()]
    text = json.dumps(members)
    evidence = replace(known(), stamp_roots=(authority().root.pem,) if roots is None else roots)
    if token_of is not None:
        opened = read_bundle(text)
        data = opened.stamped_bytes(Stamped.BINDING) if token_of is True else token_of
        stamp = Stamp(Stamped.BINDING, authority().token(data, at=at))
        text = replace(opened, stamps=(stamp,)).to_text()
    return Case(with_text(text), evidence)


def untrusted(reason: str) -> Verdict:
    """A key or a clock that does not count."""
    return deny(ConsentState.UNTRUSTED, reason)


@KEYS.row("Bound with a key that the studio lists and that is in use.", allow())
def _listed() -> Case:
    return old_key(keys=history(ended=False))


@KEYS.row("Old key: it ended since, and nothing proves when it signed.", untrusted("only with a time stamp"))
def _old() -> Case:
    return old_key()


@KEYS.row("Old key with an honest time stamp from before its end.", allow())
def _old_stamped() -> Case:
    return old_key(True)


@KEYS.row("Time stamp for other data.", altered_text("is for other data"))
def _other_data() -> Case:
    return old_key(b"other data")


@KEYS.row("A time stamp from after the key's end.", untrusted("only with a time stamp"))
def _late_stamp() -> Case:
    return old_key(True, END + DAY)


@KEYS.row("A time stamp from the future.", altered_text("from the future"))
def _future_stamp() -> Case:
    return old_key(True, NOW + DAY)


@KEYS.row("A time stamp of an authority that nobody believes.", untrusted("none of the roots"))
def _foreign_stamp() -> Case:
    return old_key(True, roots=(_other_authority().root.pem,))


@cache
def _other_authority() -> Authority:
    return make_authority()


@KEYS.row("The stamp counts nothing where no authority is believed.", untrusted("only with a time stamp"))
def _no_roots() -> Case:
    return old_key(True, roots=())


@KEYS.row("A stolen key: compromised, and the binding dated back.", untrusted("only with a time stamp"))
def _stolen() -> Case:
    return old_key(keys=history(compromised=True))


@KEYS.row(
    "The history in the file stops before the key's end; the verifier has the newer one.",
    untrusted("only with a time stamp"),
)
def _cut_history() -> Case:
    case = old_key(keys=history(ended=False))
    return Case(case.file, replace(case.evidence, histories=(history(),)))


@KEYS.row("The history is taken out of the file.", altered_text("not signed by the controller"))
def _no_history() -> Case:
    members = bundle()
    members["binding"] = resigned(members["binding"], BINDING_TYP, Role.CONTROLLER, PACKER)
    return Case(with_text(members))


@KEYS.row("A history that the attacker signs for the studio.", altered_text("key history does not hold"))
def _forged_history() -> Case:
    foreign = start_history(
        STRANGER, (ListedKey(key=PACKER.public, uses=(KeyUse.BINDING,), active_from=BEGIN),), BEGIN
    )
    value = foreign.to_value()
    said = json.loads(b64url_decode(value["lists"][0]["payload"]))
    root = ListedKey(key=STUDIO.public, uses=(KeyUse.KEYS,), active_from=BEGIN)
    said |= {
        "owner": STUDIO.thumbprint,
        "keys": [*said["keys"], json.loads(root.model_dump_json(exclude_none=True))],
    }
    payload = canonical(said)
    signature = sign_payload(payload, Role.OWNER, "bodyscan-keys+jws", STRANGER).to_json()
    value["lists"] = [{"payload": b64url_encode(payload), "signatures": [signature]}]
    members = bundle()
    members["binding"] = resigned(members["binding"], BINDING_TYP, Role.CONTROLLER, PACKER)
    return Case(with_text({**members, "keys": [value]}))


@KEYS.row("Two histories of one owner that part.", altered_text("two different histories"))
def _forked() -> Case:
    other = extend_history(
        start_history(STUDIO, (), BEGIN),
        STUDIO,
        (
            *start_history(STUDIO, (), BEGIN).current.keys,
            ListedKey(key=STRANGER.public, uses=(KeyUse.BINDING,), active_from=BEGIN),
        ),
        BEGIN + DAY,
    )
    case = old_key(keys=history(ended=False))
    return Case(case.file, replace(case.evidence, histories=(other,)))


@KEYS.row("A key that is listed for packing alone signs the binding.", untrusted("is not listed for the use"))
def _wrong_use() -> Case:
    first = start_history(STUDIO, (), BEGIN)
    listed = ListedKey(key=PACKER.public, uses=(KeyUse.PACK,), active_from=BEGIN)
    return old_key(keys=extend_history(first, STUDIO, (*first.current.keys, listed), BEGIN + DAY))


@KEYS.row("A key signs a binding that is dated before it was in use.", untrusted("in use only from"))
def _too_early() -> Case:
    first = start_history(STUDIO, (), BEGIN)
    listed = ListedKey(key=PACKER.public, uses=(KeyUse.BINDING,), active_from=BOUND + DAY)
    return old_key(keys=extend_history(first, STUDIO, (*first.current.keys, listed), BOUND + DAY))


@KEYS.row(
    "The person's key was stolen and signs a new record with the studio.", untrusted("only with a time stamp")
)
def _stolen_person() -> Case:
    first = start_history(ANNA, (), BEGIN)
    root = first.current.keys[0].model_copy(update={"compromised_at": END})
    heir = ListedKey(key=SHOP.public, uses=tuple(KeyUse), active_from=BEGIN)
    second = extend_history(first, ANNA, (*first.current.keys, heir), BEGIN + DAY)
    ended = extend_history(second, SHOP, (root, heir), END + DAY)
    return Case(honest(), replace(known(), histories=(ended,)))
