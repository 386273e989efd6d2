from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from bodyscan.consent.policy import Use, coverage_gap
from bodyscan.consent.record import Medium, Purpose
from bodyscan.errors import InputError
from consent.people import record, values


def gap(use: Use, ai_training: bool = False, **scope: Any) -> str | None:
    return coverage_gap(record(scope={**values()["scope"], **scope}, ai_training=ai_training), use)


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
        (Use(TRY_ON, None, Medium.WEB), "no territory is stated for the use"),
        (Use(TRY_ON, "DE", Medium.GAME), "the medium game is not allowed; allowed: web"),
        (Use(TRY_ON, "DE", Medium.ALL), "the medium all is not allowed"),
        (Use(TRY_ON, "DE", None), "no medium is stated for the use"),
        (Use(Purpose.MAKE_TWIN, "FR"), "the territory FR is not allowed"),
        (Use(Purpose.MAKE_TWIN, None, Medium.GAME), "the medium game is not allowed"),
    ],
)
def test_what_is_not_named_is_not_covered(use: Use, said: str) -> None:
    assert said in (gap(use) or "")


def test_a_worldwide_record_for_all_media_covers_every_place_and_medium() -> None:
    for use in (Use(TRY_ON), Use(TRY_ON, "NZ", Medium.PRINT), Use(TRY_ON, "worldwide", Medium.ALL)):
        assert gap(use, territories=["worldwide"], media=["all"]) is None


def test_ai_training_follows_its_own_field_alone() -> None:
    every = [str(purpose) for purpose in Purpose if purpose is not Purpose.AI_TRAINING]
    use = Use(Purpose.AI_TRAINING, "DE", Medium.WEB)
    assert "does not allow AI training" in (gap(use, purposes=every) or "")
    assert gap(use, ai_training=True) is None
    assert "FR is not allowed" in (gap(Use(Purpose.AI_TRAINING, "FR", Medium.WEB), ai_training=True) or "")


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
