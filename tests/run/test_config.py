from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodyscan.errors import InputError
from bodyscan.fit.options import FitOptions
from bodyscan.run.config import fill, read_toml


@dataclass(frozen=True)
class Step:
    size: float
    repeat: int = 1


@dataclass(frozen=True)
class Inner:
    count: int = 3
    length_m: float = 0.5
    name: str | None = None
    kind: Literal["soft", "hard"] = "soft"
    steps: tuple[Step, ...] = (Step(1.0),)
    span: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        if not 0 <= self.length_m <= 1:
            raise InputError(f"Inner.length_m is {self.length_m}; give 0 to 1 metres.")


@dataclass(frozen=True)
class Outer:
    on: bool = True
    inner: Inner = field(default_factory=Inner)


def test_nothing_given_changes_nothing():
    options = Outer()
    assert fill(options, {}) is options
    assert fill(options, {"on": None, "inner": {"count": None}}) == options


def test_tables_fill_nested_dataclasses_and_leave_the_rest():
    filled = fill(Outer(), {"inner": {"count": 5, "kind": "hard", "span": [1, 2.5]}})
    assert filled == Outer(inner=Inner(count=5, kind="hard", span=(1.0, 2.5)))


def test_flags_win_over_the_file_and_the_file_over_defaults():
    from_file = fill(Outer(), {"on": False, "inner": {"count": 5, "length_m": 0.25}})
    assert fill(from_file, {"inner": {"count": 9}}) == Outer(on=False, inner=Inner(count=9, length_m=0.25))


def test_a_list_of_tables_becomes_a_tuple_of_dataclasses():
    filled = fill(Outer(), {"inner": {"steps": [{"size": 2}, {"size": 0.5, "repeat": 4}]}})
    assert filled.inner.steps == (Step(2.0), Step(0.5, 4))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"onn": True}, r"^onn is not a known option; known are: inner, on\."),
        ({"inner": {"cuont": 1}}, r"^inner\.cuont is not a known option; known are: count, kind, length_m"),
        ({"inner": 3}, r"^inner is a table of options; it cannot be 3"),
        ({"on": 1}, r"^on must be true or false; it is 1"),
        ({"inner": {"count": True}}, r"^inner\.count must be a whole number; it is True"),
        ({"inner": {"count": 1.5}}, r"^inner\.count must be a whole number; it is 1\.5"),
        ({"inner": {"length_m": "long"}}, r"^inner\.length_m must be a number; it is 'long'"),
        ({"inner": {"kind": "loud"}}, r"^inner\.kind is 'loud'; possible are: soft, hard"),
        ({"inner": {"name": 7}}, r"^inner\.name must be text; it is 7"),
        ({"inner": {"span": [1]}}, r"^inner\.span must hold 2 values; it holds 1"),
        ({"inner": {"span": 1}}, r"^inner\.span must be a list; it is 1"),
        ({"inner": {"steps": [{"repeat": 2}]}}, r"^inner\.steps\[0\] lacks size"),
        ({"inner": {"steps": [{"sise": 2}]}}, r"^inner\.steps\[0\]\.sise is not a known option"),
        ({"inner": {"steps": [2]}}, r"^inner\.steps\[0\] is a table of options; it cannot be 2"),
        ({"inner": {"length_m": 2}}, r"^Inner\.length_m is 2\.0; give 0 to 1 metres"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_name(values, words):
    with pytest.raises(InputError, match=words):
        fill(Outer(), values)


@given(st.integers(-10, 10), st.floats(0, 1), st.booleans())
def test_what_goes_in_comes_out(count, length_m, on):
    filled = fill(Outer(), {"on": on, "inner": {"count": count, "length_m": length_m}})
    assert (filled.on, filled.inner.count, filled.inner.length_m) == (on, count, length_m)


def test_the_options_of_a_real_stage_can_be_given():
    filled = fill(FitOptions(), {"body": "child", "detail_limit_m": 0.03, "seed": 4})
    assert (filled.body, filled.detail_limit_m, filled.seed) == ("child", 0.03, 4)
    assert filled.levels == FitOptions().levels


def test_a_file_that_is_no_toml_is_refused(tmp_path):
    file = tmp_path / "options.toml"
    file.write_text("fit = [\n")
    with pytest.raises(InputError, match=r"options\.toml is no TOML file"):
        read_toml(file)
    with pytest.raises(InputError, match=r"cannot be read: No such file"):
        read_toml(tmp_path / "missing.toml")
