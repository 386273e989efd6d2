"""Twins of made-up people whose consents say what a test wants, as files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bodyscan.consent import SigningKey, bind, seal, sign_record
from bodyscan.consent.content import content_of
from bodyscan.consent.demo import make_demo_consent
from bodyscan.consent.record import ConsentRecord, Term
from bodyscan.consent.withdrawal import WithdrawalAction, withdraw
from bodyscan.gltf import twin_to_glb
from bodyscan.types import Twin
from gltf.complete import checker_textures
from gltf.shapes import small_twin

LAST_YEAR = Term(not_before=datetime(2020, 1, 1, tzinfo=UTC), not_after=datetime(2021, 1, 1, tzinfo=UTC))


@dataclass(frozen=True)
class Signed:
    """A record with the keys that signed it."""

    record: ConsentRecord
    text: str
    person: SigningKey
    controller: SigningKey


def signed(name: str = "Ada", *, expired: bool = False, **scope: Any) -> Signed:
    """A record like the demo's but for fields of its scope that are given, or with a term that is over."""
    demo = make_demo_consent(name)
    values: dict[str, Any] = {"scope": demo.record.scope.model_copy(update=scope)}
    if expired:
        values |= {"term": LAST_YEAR, "issued_at": LAST_YEAR.not_before}
    record = demo.record.model_copy(update=values)
    assert demo.subject_key is not None
    text = sign_record(record, controller=demo.controller_key, subject=demo.subject_key)
    return Signed(record, text, demo.subject_key, demo.controller_key)


def bound(consent: Signed, twin: Twin) -> Twin:
    """The twin under a consent that is bound to it, within its term."""
    at = consent.record.term.not_before + timedelta(days=30)
    about = seal(content_of(twin.rig, twin.morphs, twin.textures))
    text = bind(consent.text, about, consent.controller, created_at=at, software="bodyscan test")
    return replace(twin, consent=text)


def twin_file(path: Path, name: str = "Ada", *, body: Twin | None = None, **values: Any) -> Signed:
    """Write a twin's GLB, and return its consent; `values` as in `signed`."""
    consent = signed(name, **values)
    plain = body if body is not None else replace(small_twin(), textures=checker_textures(64))
    path.write_bytes(twin_to_glb(bound(consent, plain)))
    return consent


def revocation(consent: Signed) -> str:
    """The person's signed statement that the consent is taken back."""
    at = consent.record.term.not_before + timedelta(days=60)
    return withdraw(consent.record, WithdrawalAction.REVOKE, consent.person, 1, at)
