"""A packer's word that a file which it made anew shows the body that the consent was bound to.

A tool that simplifies a mesh, or writes it on another topology, moves it by more than a verifier lets pass on
its own. The packer then signs both: the binding that it started from and the seal of what it made. Whose word
counts: the controller's own key, a key that the controller's history lists for packing, a licensee whom the
record lets repack, or a key that the verifier trusts. No word counts for another body: beyond `MAX_MM` the
surface is refused whoever signed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from bodyscan.consent.binding import Binding, OpenedConsent, open_consent, read_signed
from bodyscan.consent.bundle import MAX_ATTESTATIONS, Stamped
from bodyscan.consent.content import BodyContent
from bodyscan.consent.evidence import Evidence, stamped_at
from bodyscan.consent.fields import Sha256Hex, ShortText, SignedModel, UtcTime, format_utc
from bodyscan.consent.fingerprint import compare
from bodyscan.consent.jws import Jws, Role, parse_jws, sign_payload
from bodyscan.consent.key_history import KeyUse, check_key
from bodyscan.consent.keys import PublicJwk, SigningKey
from bodyscan.consent.policy import CLOCK_SKEW, check_clock, term_gap
from bodyscan.consent.seal import Seal, SealReport, compare_seal, seal
from bodyscan.consent.state import ConsentState, RefusedConsent
from bodyscan.errors import InputError

ATTESTATION_TYP = "bodyscan-reattestation+jws"
MAX_MM, MEAN_MM = 10.0, 2.0
"""Largest and mean distance from the bound surface that an attestation may speak for, mm."""


class Attestation(SignedModel):
    """What a packer signs."""

    schema_: Annotated[
        Literal["urn:bodyscan:reattestation:1"],
        Field(validation_alias="schema", serialization_alias="schema"),
    ] = "urn:bodyscan:reattestation:1"
    record_sha256: Sha256Hex
    binding_sha256: Sha256Hex
    """Digest of the binding's canonical JSON."""
    from_geometry: str
    """Geometry digest of the body that was packed: the binding's, or the one of the attestation before."""
    seal: Seal
    """Of the body that was made."""
    created_at: UtcTime
    software: ShortText


@dataclass(frozen=True)
class Attested:
    """An attestation that speaks for a body, and how the body matched it."""

    attestation: Attestation
    kid: str
    report: SealReport
    moved_mm: float
    """Largest distance of the body from the bound surface."""


def reattest(text: str, made: BodyContent, key: SigningKey, *, now: datetime, software: str) -> str:
    """Return the consent text with the packer's word for `made`, the body that the new file holds.

    `text`: the consent of the file that was packed; `now` UTC. Raises `ConsentError` where it is not sound,
    not bound or has ended, or where `made` lies further from the bound body than a packer may answer for;
    `InputError` where the key is not one that may repack, or there are too many attestations.
    """
    check_clock(now)
    opened = open_consent(text)
    binding = _binding(opened)
    if gap := term_gap(opened.record, now):
        raise RefusedConsent(gap.state, f"{gap.reason}.", opened.record, clause=gap.clause)
    if len(opened.bundle.attestations) >= MAX_ATTESTATIONS:
        raise InputError(f"the file was packed {MAX_ATTESTATIONS} times already; start from its master.")
    if key.thumbprint not in dict(_keys(opened, Evidence())):
        raise InputError(
            f"the key {key.thumbprint} may not repack: it is neither the controller's nor listed by it for "
            "packing, and no licensee with may_repack holds it."
        )
    _moved(binding, made, opened)
    before = [attestation for attestation, _ in _read(opened, Evidence())]
    attestation = Attestation(
        record_sha256=opened.record.sha256(),
        binding_sha256=binding.sha256(),
        from_geometry=before[-1].seal.geometry if before else binding.seal.geometry,
        seal=seal(made),
        created_at=now.replace(microsecond=0),
        software=software,
    )
    payload = attestation.canonical_json()
    document = Jws(payload, (sign_payload(payload, Role.PACKER, ATTESTATION_TYP, key),))
    # A stamp is over the newest attestation, which is another one from now on.
    stamps = tuple(stamp for stamp in opened.bundle.stamps if stamp.of is not Stamped.ATTESTATION)
    attestations = (*opened.bundle.attestations, document.to_json())
    return replace(opened.bundle, attestations=attestations, stamps=stamps).to_text()


def find_attested(
    opened: OpenedConsent, content: BodyContent, evidence: Evidence, now: datetime
) -> Attested | None:
    """Return the newest attestation that speaks for `content`, or None where none does.

    Raises `RefusedConsent` where one speaks for it and does not count: a foreign key, one that had ended,
    another binding, a moment in the future, or a body too far from the bound one.
    """
    for number, (attestation, kid) in reversed(list(enumerate(_read(opened, evidence)))):
        report = compare_seal(attestation.seal, content)
        if not report.is_same:
            continue
        newest = number == len(opened.bundle.attestations) - 1
        _check_counts(opened, attestation, kid, evidence, now, newest)
        return Attested(attestation, kid, report, _moved(_binding(opened), content, opened))
    return None


def _read(opened: OpenedConsent, evidence: Evidence) -> Iterator[tuple[Attestation, str]]:
    """Yield each attestation that a known or the named key signed, the chain from the binding checked."""
    binding = _binding(opened)
    geometry = binding.seal.geometry
    known = dict(_keys(opened, evidence))
    for value in opened.bundle.attestations:
        signature = parse_jws(value, ATTESTATION_TYP).by_role(Role.PACKER)
        if signature is not None and signature.kid not in known:
            raise RefusedConsent(
                ConsentState.UNTRUSTED,
                f"it was repacked and attested by the key {signature.kid[:64]}, which neither the record nor "
                "its controller nor this verifier allows to repack.",
                opened.record,
                clause="licensees",
            )
        attestation, kid = read_signed(value, ATTESTATION_TYP, Role.PACKER, Attestation, known)
        same = attestation.binding_sha256 == binding.sha256()
        if not same or attestation.record_sha256 != opened.record.sha256():
            raise RefusedConsent(
                ConsentState.UNBOUND, "a packer's attestation belongs to another twin.", opened.record
            )
        if attestation.from_geometry != geometry:
            raise RefusedConsent(
                ConsentState.ALTERED, "the chain of packers' attestations is broken.", opened.record
            )
        geometry = attestation.seal.geometry
        yield attestation, kid


def _keys(opened: OpenedConsent, evidence: Evidence) -> Iterator[tuple[str, PublicJwk]]:
    """Yield thumbprint and key of everybody who may repack."""
    root = opened.record.controller.public_key
    yield root.thumbprint, root
    history = opened.histories.get(root.thumbprint)
    for listed in history.current.keys if history else ():
        if KeyUse.PACK in listed.uses:
            yield listed.key.thumbprint, listed.key
    for licensee in opened.record.licensees:
        if licensee.may_repack and licensee.public_key is not None:
            yield licensee.public_key.thumbprint, licensee.public_key
    for key in evidence.trusted.packers:
        yield key.thumbprint, key


def _check_counts(
    opened: OpenedConsent,
    attestation: Attestation,
    kid: str,
    evidence: Evidence,
    now: datetime,
    newest: bool,
) -> None:
    root = opened.record.controller.public_key
    history = opened.histories.get(root.thumbprint)
    if history is not None and history.current.find(kid):
        stamp = stamped_at(opened.bundle, Stamped.ATTESTATION, evidence, now) if newest else None
        check_key(
            history,
            root,
            kid,
            KeyUse.PACK,
            signed_at=attestation.created_at,
            stamped_at=stamp,
            now=now,
        )
    made = attestation.created_at
    if made > now + CLOCK_SKEW or term_gap(opened.record, made):
        raise RefusedConsent(
            ConsentState.UNBOUND,
            f"it was repacked at {format_utc(made)}, in the future or outside the record's term.",
            opened.record,
        )


def _moved(binding: Binding, content: BodyContent, opened: OpenedConsent) -> float:
    try:
        deviation = compare(binding.seal.fingerprint, content.positions, content.faces)
    except InputError as error:
        raise RefusedConsent(ConsentState.ALTERED, str(error), opened.record) from None
    if deviation.max_mm > MAX_MM or deviation.mean_mm > MEAN_MM:
        raise RefusedConsent(
            ConsentState.ALTERED,
            f"the repacked body lies up to {deviation.max_mm:.1f} mm ({deviation.mean_mm:.2f} mm on average) "
            f"from the bound one; a packer answers for {MAX_MM:.0f} mm ({MEAN_MM:.0f} mm).",
            opened.record,
            moved_mm=deviation.max_mm,
        )
    return deviation.max_mm


def _binding(opened: OpenedConsent) -> Binding:
    if opened.binding is None:
        raise RefusedConsent(
            ConsentState.UNBOUND,
            "it carries no binding to a body, so no packer can attest one.",
            opened.record,
        )
    return opened.binding
