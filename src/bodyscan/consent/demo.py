"""A person who does not exist, with keys that everybody knows: for samples and tests alone."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from bodyscan.consent.keys import SigningKey, key_from_seed
from bodyscan.consent.record import (
    AI_PURPOSES,
    DEMO_PREFIX,
    ConsentRecord,
    Controller,
    DataCategory,
    DataTerms,
    Guardian,
    LawfulBasis,
    Medium,
    Modification,
    Pay,
    PayKind,
    Purpose,
    Redistribution,
    Scope,
    Subject,
    Term,
    Withdrawal,
    WithdrawalEffect,
    WithdrawalMethod,
)
from bodyscan.consent.sign import sign_record
from bodyscan.consent.territories import WORLDWIDE

DEMO_TERM = Term(not_before=datetime(2025, 1, 1, tzinfo=UTC), not_after=datetime(2125, 1, 1, tzinfo=UTC))
"""Long, so that samples work for whoever tries them."""


@dataclass(frozen=True)
class DemoConsent:
    """A demo record, signed, with all the keys that signed it."""

    record: ConsentRecord
    text: str
    """The signed record as JSON text."""
    subject_key: SigningKey | None
    """None for a child."""
    guardian_key: SigningKey | None
    """None for an adult."""
    controller_key: SigningKey


def make_demo_consent(name: str, *, seed: int = 0, minor: bool = False) -> DemoConsent:
    """Return the demo consent of a made-up person; the same arguments give the same bytes.

    `name` follows "DEMO " in the pseudonym. The keys come from the arguments by SHA-256, so anybody
    can make them: what they sign proves nothing about anybody.
    """
    controller = _demo_key("controller", "studio", seed)  # one studio for all people of a seed
    subject = None if minor else _demo_key("subject", name, seed)
    guardian = _demo_key("guardian", name, seed) if minor else None
    record = ConsentRecord(
        record_id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"bodyscan demo record {name} {seed} {minor}")),
        issued_at=DEMO_TERM.not_before,
        subject=Subject(
            pseudonym=f"{DEMO_PREFIX}{name}",
            minor=minor,
            # A made-up child stays one as long as the sample is good for.
            adult_from=DEMO_TERM.not_after if minor else None,
            public_key=subject.public if subject else None,
        ),
        guardian=_demo_guardian(name, guardian) if guardian else None,
        controller=Controller(
            name="DEMO studio (does not exist)",
            contact="mailto:studio@example.org",
            public_key=controller.public,
        ),
        scope=_demo_scope(),
        term=DEMO_TERM,
        pay=Pay(kind=PayKind.UNPAID),
        separate_document=True,
        data=_demo_data(),
        withdrawal=Withdrawal(
            method=WithdrawalMethod.SIGNED_STATEMENT,
            address="mailto:revoke@example.org",
            effect=WithdrawalEffect.STOP_AND_DELETE,
        ),
        demo=True,
    )
    text = sign_record(record, controller=controller, subject=subject, guardian=guardian)
    return DemoConsent(record, text, subject, guardian, controller)


def _demo_key(role: str, name: str, seed: int) -> SigningKey:
    return key_from_seed(hashlib.sha256(f"bodyscan demo key {role} {name} {seed}".encode()).digest())


def _demo_guardian(name: str, key: SigningKey) -> Guardian:
    return Guardian(
        name=f"{DEMO_PREFIX}guardian of {name}",
        contact="mailto:guardian@example.org",
        relation="guardian",
        public_key=key.public,
    )


def _demo_scope() -> Scope:
    return Scope(
        description="Sample data of a person who does not exist: everything but machine learning.",
        purposes=tuple(purpose for purpose in Purpose if purpose not in AI_PURPOSES),
        territories=(WORLDWIDE,),
        media=(Medium.ALL,),
        modification=Modification.APPEARANCE,
        redistribution=Redistribution.ANYONE,
    )


def _demo_data() -> DataTerms:
    return DataTerms(
        categories=tuple(DataCategory),
        lawful_basis=LawfulBasis.EXPLICIT_CONSENT,
        places=(WORLDWIDE,),
        retention="P1Y",
        delete_by=DEMO_TERM.not_after.replace(year=DEMO_TERM.not_after.year + 1),
    )
