"""Attacks on the way back: withdrawals, status lists, and a verifier that is kept in the dark."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from bodyscan.consent.evidence import Evidence
from bodyscan.consent.jws import Role, sign_payload
from bodyscan.consent.keys import SigningKey, b64url_decode, b64url_encode
from bodyscan.consent.record import ConsentRecord, record_from_values
from bodyscan.consent.state import ConsentState
from bodyscan.consent.status_list import MIN_ENTRIES, StatusPurpose, open_status_list
from bodyscan.consent.status_memory import StatusMemory
from bodyscan.consent.strict_json import canonical
from bodyscan.consent.withdrawal import WITHDRAWAL_TYP, WithdrawalAction, withdraw
from consent.attacks_base import (
    Case,
    Rows,
    Verdict,
    allow,
    bound_to_honest,
    deny,
    honest,
    known,
    record_values,
    signed_record,
    unknown,
    with_record,
)
from consent.attacks_records import OTHER_ID
from consent.people import ANNA, ISSUER, NOW, STRANGER, STUDIO, forge_both, payload_of, signed_values
from consent.status_lists import (
    INDEX,
    REVOCATIONS,
    WEEK,
    both,
    header_of,
    make,
    packed,
    resign,
    sign_bytes,
)

WITHDRAWN = Rows("Taken back and halted")
LISTS = Rows("Status lists that nobody should believe")

DAY = timedelta(days=1)
REVOKED_LIST, SUSPENDED_LIST = "withdrawal.status.revocation_list", "withdrawal.status.suspension_list"


@cache
def anna() -> ConsentRecord:
    """The honest record."""
    return record_from_values(record_values())


def said(action: str, sequence: int = 1, key: SigningKey = ANNA, at: datetime = NOW - DAY) -> str:
    """Anna's statement about the honest record."""
    return withdraw(anna(), WithdrawalAction(action), key, sequence, at)


def forged(key: SigningKey, role: Role, statement: str, **changes: Any) -> str:
    """A statement that says something else or is signed by somebody else, past every check."""
    payload = canonical({**json.loads(payload_of(statement)), **changes})
    signature = sign_payload(payload, role, WITHDRAWAL_TYP, key).to_json()
    return json.dumps({"payload": b64url_encode(payload), "signatures": [signature]})


def heard(*statements: str) -> Case:
    """The honest file before a verifier who has heard these statements."""
    return Case(honest(), replace(known(), withdrawals=statements))


def listed(*texts: str, **more: Any) -> Case:
    """The honest file before a verifier who has these lists and no others."""
    return Case(honest(), Evidence(status_lists=texts, **more))


def revoked(reason: str, clause: str = "withdrawal") -> Verdict:
    """The person took it back."""
    return deny(ConsentState.REVOKED, reason, clause=clause)


def suspended(reason: str, clause: str = "withdrawal") -> Verdict:
    """The person halted it."""
    return deny(ConsentState.SUSPENDED, reason, clause=clause)


@WITHDRAWN.row("Revoked by the person's statement.", revoked("the person took it back at 2026-05-31"))
def _revoked() -> Case:
    return heard(said("revoke"))


@WITHDRAWN.row("Revoked by the status list.", revoked("the revocation list says", REVOKED_LIST))
def _revoked_bit() -> Case:
    return listed(*both(INDEX))


@WITHDRAWN.row("Suspended by the person's statement.", suspended("the person suspended it"))
def _suspended() -> Case:
    return heard(said("suspend"))


@WITHDRAWN.row("Suspended by the status list.", suspended("the suspension list says", SUSPENDED_LIST))
def _suspended_bit() -> Case:
    return listed(*both(suspended=(INDEX,)))


@WITHDRAWN.row("Suspended, and resumed by the person.", allow())
def _resumed() -> Case:
    return heard(said("suspend"), said("resume", 2))


@WITHDRAWN.row("Revoked, and resumed afterwards: a revocation is final.", revoked("took it back"))
def _final() -> Case:
    return heard(said("revoke"), said("resume", 2))


@WITHDRAWN.row("The studio says that it is resumed.", suspended("the person suspended it"))
def _studio_resumes() -> Case:
    return heard(said("suspend"), forged(STUDIO, Role.CONTROLLER, said("resume", 2)))


@WITHDRAWN.row("The studio resumes it in the person's name.", suspended("the person suspended it"))
def _forged_resume() -> Case:
    return heard(said("suspend"), forged(STUDIO, Role.SUBJECT, said("resume", 2)))


@WITHDRAWN.row(
    "An older resumption is replayed after a new suspension.", suspended("the person suspended it")
)
def _replayed_resume() -> Case:
    return heard(said("suspend", 1), said("resume", 2), said("suspend", 3), said("resume", 2))


@WITHDRAWN.row("Two statements of one number: the more protective one counts.", suspended("suspended it"))
def _same_number() -> Case:
    return heard(said("suspend", 2), said("resume", 2))


@WITHDRAWN.row("The resumption of another record of the person.", suspended("the person suspended it"))
def _other_record() -> Case:
    other = record_from_values(record_values(record_id=OTHER_ID))
    return heard(said("suspend"), withdraw(other, WithdrawalAction.RESUME, ANNA, 2, NOW - DAY))


@WITHDRAWN.row("A stranger revokes the person's consent.", allow())
def _stranger_revokes() -> Case:
    return heard(forged(STRANGER, Role.SUBJECT, said("revoke")))


@WITHDRAWN.row("A statement whose text was changed from suspend to resume.", suspended("suspended it"))
def _edited_statement() -> Case:
    document = json.loads(said("suspend", 2))
    payload = b64url_decode(document["payload"]).replace(b'"suspend"', b'"resume"')
    return heard(said("suspend", 1), json.dumps({**document, "payload": b64url_encode(payload)}))


@WITHDRAWN.row("A resumption from the future.", suspended("the person suspended it"))
def _future_resume() -> Case:
    return heard(said("suspend"), said("resume", 2, at=NOW + DAY))


@WITHDRAWN.row("Revoked, though a stale list says that it is good.", revoked("took it back"))
def _statement_before_list() -> Case:
    return Case(honest(), Evidence(withdrawals=(said("revoke"),)))


# Lists.


def missing(reason: str, clause: str = REVOKED_LIST) -> Verdict:
    """A list that the record names cannot be relied upon."""
    return unknown(reason, clause)


@LISTS.row("No status list at all.", missing("was not given"))
def _no_list() -> Case:
    return listed()


@LISTS.row("Missing status list: that of suspensions.", missing("was not given", SUSPENDED_LIST))
def _no_suspensions() -> Case:
    return listed(make())


@LISTS.row("Stale status list: it ended yesterday.", missing("it is stale"))
def _stale() -> Case:
    return listed(*both(valid_from=NOW - WEEK - DAY, valid_until=NOW - DAY))


@LISTS.row("A list that is still valid, and older than the verifier takes.", missing("it is stale"))
def _too_old() -> Case:
    old = both(valid_from=NOW - 3 * DAY, valid_until=NOW + DAY)
    return listed(*old, max_age=timedelta(days=1))


@LISTS.row("A list that begins in an hour.", missing("not valid yet"))
def _future_list() -> Case:
    return listed(*both(valid_from=NOW + timedelta(hours=1)))


def _memory(*texts: str) -> StatusMemory:
    memory = StatusMemory()
    for text in texts:
        purpose = StatusPurpose.REVOCATION if "revoked" in _address(text) else StatusPurpose.SUSPENSION
        memory = memory.remember(open_status_list(text, ISSUER.public, _address(text), purpose))
    return memory


def _address(text: str) -> str:
    return json.loads(b64url_decode(text.split(".")[1]))["id"]


@LISTS.row("Replayed status list: a newer one was seen before.", missing("it is replayed"))
def _replayed() -> Case:
    return listed(*both(sequence=7), memory=_memory(*both(sequence=8)))


@LISTS.row("Two lists of one number: the issuer made a second one.", missing("its issuer made two"))
def _two_of_one_number() -> Case:
    return listed(*both(4), memory=_memory(*both(5)))


@LISTS.row(
    "An old list of a revocation beside a new one without it: it stays revoked.", revoked("", REVOKED_LIST)
)
def _unrevoked() -> Case:
    return listed(*both(INDEX, sequence=6), *both(sequence=8))


@LISTS.row("Gzip bomb: a list that unpacks to gigabytes.", missing("unpacks to more than"))
def _bomb() -> Case:
    data = gzip.compress(bytes(64 * 1024 * 1024), 9, mtime=0)
    encoded = "u" + b64url_encode(data)
    return listed(resign(make(), {"credentialSubject/encodedList": encoded}), both()[1])


@LISTS.row(
    "Index out of range: beyond the end of the list.",
    missing("the record's index is 200000", "withdrawal.status.index"),
)
def _out_of_range() -> Case:
    values = record_values(withdrawal__status__index=200_000)
    return Case(bound_to_honest(signed_values(values)))


@LISTS.row("An index below zero in the record.", deny(ConsentState.ALTERED, "index"))
def _negative_index() -> bytes:
    payload = payload_of(signed_record()).replace(b'"index":94567', b'"index":-94567')
    return with_record(forge_both(payload))


def _bad(text: str) -> Case:
    return listed(text, both()[1])


for _name, _make, _reason in (
    ("A list that the attacker signed.", lambda: make(key=STRANGER), "not signed with the issuer's key"),
    ("A list that the studio signed.", lambda: make(key=STUDIO), "not signed with the issuer's key"),
    (
        "A list with the algorithm `none`.",
        lambda: sign_bytes(b64url_decode(make().split(".")[1]), header_of(make()) | {"alg": "none"}),
        "algorithm 'none'",
    ),
    (
        "A list with a key of its own in the header.",
        lambda: resign(make(), jwk=ISSUER.public.model_dump()),
        "header jwk",
    ),
    ("A list with a critical extension.", lambda: resign(make(), crit=["b64"], b64=False), "is refused"),
    (
        "A list of the other purpose at the revocation list's address.",
        lambda: resign(make(), {"credentialSubject/statusPurpose": "suspension"}),
        "not for revocation",
    ),
    ("A list without a number.", lambda: resign(make(), {"bodyscanSequence": None}), "a replay could not be"),
    (
        "A list of eight entries, which tells whom it is about.",
        lambda: resign(make(), {"credentialSubject/encodedList": packed(bytes(1))}),
        "entries, fewer than",
    ),
    (
        "A list that is cut off.",
        lambda: resign(make(), {"credentialSubject/encodedList": packed(bytes(MIN_ENTRIES // 8))[:-12]}),
        "is cut off",
    ),
    (
        "A list of two bits a consent.",
        lambda: resign(make(), {"credentialSubject/statusSize": 2}),
        "statusSize must be 1",
    ),
):

    @LISTS.row(_name, missing(_reason))
    def _bad_list(build: Any = _make) -> Case:
        return _bad(build())


@LISTS.row("The right list for another address.", missing("was not given"))
def _other_address() -> Case:
    return _bad(resign(make(), {"id": REVOCATIONS + "-2"}))
