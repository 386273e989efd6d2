"""Which profiles a record calls for."""

from __future__ import annotations

from typing import Any

import pytest

from bodyscan.consent.lint import PROFILES, choose_profiles
from bodyscan.errors import InputError
from consent.lint.fair import fair_record


def chosen(**places: Any) -> dict[str, str]:
    places = {"subject__representation": None, "data__places": ["BR"], **places}
    return {item.profile.id: item.why for item in choose_profiles(fair_record(**places))}


@pytest.mark.parametrize(
    ("territories", "names"),
    [
        (["US-NY"], {"new-york"}),
        (["US-CA"], {"california"}),
        (["US"], {"new-york", "california"}),
        (["US-TX"], set()),
        (["DE"], {"gdpr", "eu-ai-act"}),
        (["DE-BY"], {"gdpr", "eu-ai-act"}),
        (["NO"], {"gdpr"}),
        (["GB"], {"gdpr", "equity"}),
        (["GB-ENG"], {"gdpr", "equity"}),
        (["BR"], set()),
        (["BR", "US-NY", "FR"], {"new-york", "gdpr", "eu-ai-act"}),
        (["worldwide"], {"new-york", "california", "gdpr", "eu-ai-act", "equity"}),
    ],
)
def test_the_territories_choose(territories: list[str], names: set[str]):
    assert set(chosen(scope__territories=territories)) == {"basics", *names}


def test_worldwide_advertising_calls_for_every_profile():
    record = {"scope__territories": ["worldwide"], "scope__purposes": ["advertising"]}
    assert set(chosen(**record)) == {"basics", *PROFILES}


def test_advertising_in_the_united_states_calls_for_the_commercials_contracts():
    why = chosen(scope__territories=["US-TX"], scope__purposes=["advertising"])["sag-aftra"]
    assert why == "scope.territories holds US-TX, for advertising"
    assert "sag-aftra" not in chosen(scope__territories=["FR"], scope__purposes=["advertising"])


def test_the_union_chooses():
    for name, profile in (("SAG-AFTRA", "sag-aftra"), ("Equity UK", "equity")):
        union = {"kind": "union", "name": name}
        assert profile in chosen(scope__territories=["BR"], subject__representation=union)
        counsel = {"kind": "counsel", "name": name}
        assert profile not in chosen(scope__territories=["BR"], subject__representation=counsel)


def test_the_place_of_the_data_calls_for_the_gdpr():
    why = chosen(scope__territories=["BR"], data__places=["BR", "IE"])
    assert why == {"basics": "always", "gdpr": "data.places holds IE"}


def test_profiles_that_are_asked_for_are_checked_whatever_the_record_says():
    picked = choose_profiles(fair_record(scope__territories=["BR"]), ["equity", "new-york"])
    assert [(item.profile.id, item.why) for item in picked] == [
        ("basics", "always"),
        ("new-york", "asked for"),
        ("equity", "asked for"),
    ]


def test_an_unknown_profile_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match=r"no profile texas\. Known: new-york, california, gdpr"):
        choose_profiles(fair_record(), ["gdpr", "texas"])
