"""All profiles, and which of them a record calls for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bodyscan.consent.lint import basics, california, equity, eu_ai_act, gdpr, new_york, sag_aftra
from bodyscan.consent.lint.rule import Profile
from bodyscan.consent.record import ConsentRecord, Purpose, RepresentationKind
from bodyscan.consent.territories import WORLDWIDE, territory_covers
from bodyscan.errors import InputError

PROFILES: dict[str, Profile] = {
    module.PROFILE.id: module.PROFILE for module in (new_york, california, gdpr, eu_ai_act, sag_aftra, equity)
}
"""By id. `basics` is not among them: it is always checked."""


@dataclass(frozen=True)
class Chosen:
    """A profile that is checked, and why."""

    profile: Profile
    why: str


def choose_profiles(record: ConsentRecord, wanted: Sequence[str] | None = None) -> tuple[Chosen, ...]:
    """Return the profiles to check, the basics first.

    `wanted`: ids, in any order; None chooses by the record's territories, the places of its data and who
    represents the person. Raises `InputError` for an id that is not known.
    """
    unknown = [name for name in wanted or () if name not in PROFILES]
    if unknown:
        raise InputError(f"There is no profile {', '.join(unknown)}. Known: {', '.join(PROFILES)}.")
    if wanted is not None:
        reasons = {name: "asked for" for name in PROFILES if name in wanted}
    else:
        reasons = {name: why for name, reason in _REASONS.items() if (why := reason(record))}
    chosen = [Chosen(PROFILES[name], why) for name, why in reasons.items()]
    return (Chosen(basics.PROFILE, "always"), *chosen)


def _in_state(state: str) -> Callable[[ConsentRecord], str]:
    def reason(record: ConsentRecord) -> str:
        hits = [code for code in record.scope.territories if _overlap(code, state)]
        return f"scope.territories holds {hits[0]}" if hits else ""

    return reason


def _overlap(granted: str, place: str) -> bool:
    return territory_covers(granted, place) or territory_covers(place, granted)


def _in_countries(countries: frozenset[str], data_too: bool) -> Callable[[ConsentRecord], str]:
    def reason(record: ConsentRecord) -> str:
        fields = {"scope.territories": record.scope.territories}
        if data_too:
            fields["data.places"] = record.data.places
        for name, codes in fields.items():
            for code in codes:
                if code == WORLDWIDE or code.split("-")[0] in countries:
                    return f"{name} holds {code}"
        return ""

    return reason


def _for_sag_aftra(record: ConsentRecord) -> str:
    if _union_is(record, "sag-aftra"):
        return "subject.representation names SAG-AFTRA"
    place = _in_countries(frozenset({"US"}), data_too=False)(record)
    return f"{place}, for advertising" if place and Purpose.ADVERTISING in record.scope.purposes else ""


def _for_equity(record: ConsentRecord) -> str:
    if _union_is(record, "equity"):
        return "subject.representation names Equity"
    return _in_countries(frozenset({"GB"}), data_too=False)(record)


def _union_is(record: ConsentRecord, name: str) -> bool:
    representation = record.subject.representation
    if representation is None or representation.kind is not RepresentationKind.UNION:
        return False
    return name in representation.name.casefold().split()


_REASONS: dict[str, Callable[[ConsentRecord], str]] = {
    "new-york": _in_state("US-NY"),
    "california": _in_state("US-CA"),
    "gdpr": _in_countries(gdpr.EEA | {"GB"}, data_too=True),
    "eu-ai-act": _in_countries(gdpr.EU, data_too=False),
    "sag-aftra": _for_sag_aftra,
    "equity": _for_equity,
}
"""Profile -> why a record calls for it; empty where it does not."""
