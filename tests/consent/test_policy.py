from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bodyscan.consent.policy import Gap, Use, coverage_gap, term_gap
from bodyscan.consent.record import AI_PURPOSES, Medium, Purpose, record_from_values
from bodyscan.consent.state import ConsentState
from bodyscan.errors import InputError
from consent.people import SHOP, STRANGER, STUDIO, child_values, record, values


def gap(use: Use, ai: dict[str, bool] | None = None, **scope: Any) -> Gap | None:
    return coverage_gap(record(scope={**values()["scope"], **scope}, ai=ai or {}), use)


TRY_ON = Purpose.VIRTUAL_TRY_ON


@pytest.mark.parametrize(
    "use",
    [
        Use(Purpose.MAKE_TWIN),
        Use(Purpose.MAKE_TWIN, "DE", Medium.WEB),
        Use(TRY_ON, "DE", Medium.WEB),
        Use(TRY_ON, "DE-BY", Medium.WEB),
        Use(TRY_ON, "US-CA", Medium.WEB),
    ],
)
def test_what_is_named_is_covered(use: Use) -> None:
    assert gap(use) is None


@pytest.mark.parametrize(
    ("use", "said"),
    [
        (Use(Purpose.RENDER, "DE", Medium.WEB), "the purpose render is not allowed"),
        (Use(TRY_ON, "FR", Medium.WEB), "the territory FR is not allowed; allowed: DE, US-CA"),
        (Use(TRY_ON, "US", Medium.WEB), "the territory US is not allowed"),
        (Use(TRY_ON, "US-NY", Medium.WEB), "the territory US-NY is not allowed"),
        (Use(TRY_ON, "worldwide", Medium.WEB), "the territory worldwide is not allowed"),
        (Use(TRY_ON, "DE", Medium.GAME), "the medium game is not allowed; allowed: web"),
        (Use(TRY_ON, "DE", Medium.ALL), "the medium all is not allowed"),
        (Use(Purpose.MAKE_TWIN, "FR"), "the territory FR is not allowed"),
        (Use(Purpose.MAKE_TWIN, None, Medium.GAME), "the medium game is not allowed"),
    ],
)
def test_what_is_not_named_is_not_covered(use: Use, said: str) -> None:
    found = gap(use)
    assert found is not None
    assert found.state is ConsentState.NOT_COVERED
    assert said in found.reason


@pytest.mark.parametrize(
    ("use", "clause"),
    [
        (Use(TRY_ON, None, Medium.WEB), "scope.territories"),
        (Use(TRY_ON, "DE", None), "scope.media"),
    ],
)
def test_a_fact_that_is_not_stated_is_unknown_where_the_record_limits_it(use: Use, clause: str) -> None:
    found = gap(use)
    assert found is not None
    assert (found.state, found.clause) == (ConsentState.UNKNOWN, clause)
    assert "is stated for the use, and the record allows only" in found.reason


def test_what_denies_goes_before_what_is_unknown() -> None:
    found = gap(Use(TRY_ON, None, Medium.GAME))
    assert found is not None
    assert (found.state, found.clause) == (ConsentState.NOT_COVERED, "scope.media")


def test_who_is_no_licensee_is_denied() -> None:
    for licensee in (None, "Atelier", "Shop", STUDIO.thumbprint, SHOP.thumbprint):
        assert gap(Use(TRY_ON, "DE", Medium.WEB, licensee=licensee)) is None
    for stranger in ("Other", "shop", "\u0421hop", STRANGER.thumbprint):
        found = gap(Use(TRY_ON, "DE", Medium.WEB, licensee=stranger))
        assert found is not None
        assert found.clause == "licensees"


def test_product_lines_and_prohibited_content_limit_a_use() -> None:
    def clause(**facts: Any) -> str:
        found = gap(Use(TRY_ON, "DE", Medium.WEB, **facts), product_lines=["coats"])
        return "" if found is None else f"{found.state} {found.clause}"

    assert clause(product_line="coats") == ""
    assert clause(product_line="shoes") == "not_covered scope.product_lines"
    assert clause() == "unknown scope.product_lines"
    assert clause(product_line="coats", content=("political",)) == "not_covered scope.prohibited_uses"
    assert clause(product_line="coats", content=("alcohol",)) == ""


def test_a_file_is_handed_to_those_whom_the_record_lets_have_it() -> None:
    def state(redistribution: str, licensee: str | None) -> str:
        use = Use(Purpose.EXPORT, "DE", Medium.WEB, licensee=licensee)
        found = gap(use, purposes=["make_twin", "export"], redistribution=redistribution)
        return "" if found is None else str(found.state)

    assert state("licensees", "Shop") == ""
    assert state("licensees", "Other") == "not_covered"
    assert state("licensees", None) == "unknown"
    assert state("anyone", "Other") == ""
    assert state("anyone", None) == ""


def test_a_guardians_consent_ends_when_the_child_comes_of_age() -> None:
    child = child_values()
    child["subject"]["adult_from"] = "2026-07-01T00:00:00Z"
    record = record_from_values(child)
    assert term_gap(record, datetime(2026, 6, 30, 23, 59, 59, tzinfo=UTC)) is None
    found = term_gap(record, datetime(2026, 7, 1, tzinfo=UTC))
    assert found is not None
    assert found.clause == "subject.adult_from"
    assert "came of age" in found.reason


def test_a_worldwide_record_for_all_media_covers_every_place_and_medium() -> None:
    for use in (Use(TRY_ON), Use(TRY_ON, "NZ", Medium.PRINT), Use(TRY_ON, "worldwide", Medium.ALL)):
        assert gap(use, territories=["worldwide"], media=["all"]) is None


@pytest.mark.parametrize("purpose", list(AI_PURPOSES))
def test_machine_learning_follows_its_own_fields_alone(purpose: Purpose) -> None:
    every = [str(other) for other in Purpose if other not in AI_PURPOSES]
    use = Use(purpose, "DE", Medium.WEB)
    found = gap(use, purposes=every, redistribution="anyone")
    assert found is not None
    assert found.clause == f"ai.{AI_PURPOSES[purpose]}"
    assert "the person does not allow" in found.reason
    allowed = {AI_PURPOSES[purpose]: True}
    assert gap(use, ai=allowed) is None
    elsewhere = gap(Use(purpose, "FR", Medium.WEB), ai=allowed)
    assert elsewhere is not None
    assert elsewhere.clause == "scope.territories"
    for other in set(AI_PURPOSES) - {purpose}:
        assert gap(Use(other, "DE", Medium.WEB), ai=allowed) is not None


def test_a_use_is_built_from_words_and_refuses_others() -> None:
    assert Use("render", "DE", "web") == Use(Purpose.RENDER, "DE", Medium.WEB)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="Purposes: make_twin, virtual_try_on"):
        Use("fun")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="media: all, internal, web"):
        Use(Purpose.RENDER, medium="radio")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="'EU' is no territory"):
        Use(Purpose.RENDER, "EU")
    with pytest.raises(InputError, match=r"Use\.when must be a time in UTC"):
        Use(Purpose.RENDER, when=datetime(2026, 1, 1))
