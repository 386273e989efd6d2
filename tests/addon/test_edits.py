"""Corrections as the step's request: only what was corrected, in the scan's own frame and order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from addon.conftest import VERSION, _runner
from addon.edit_people import scan_of, truth
from bodyscan.steps.request import FitRequest, read_request


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("edits")
    for in_blender in _runner(VERSION, folder):
        yield in_blender("edits", folder=str(folder / "work"))


def test_many_things_are_counted_and_few_are_named(found: dict[str, Any]) -> None:
    assert found["listed"] == ["a", "a and b", "a, b, c and d", "a, b, c and 3 more"]


def test_the_step_takes_the_fields_as_they_are(found: dict[str, Any]) -> None:
    request = read_request({"id": 1, "step": "fit", "folder": "-", **found["pinned"]})
    assert isinstance(request, FitRequest)
    assert request.pinned == ("head",)
    assert request.start == "earlier"


def test_a_pose_alone_says_no_shape(found: dict[str, Any]) -> None:
    betas, wrong = found["posed"]
    assert betas is None
    assert wrong < 1e-6


def test_what_is_painted_lies_in_a_private_file_until_the_step_is_over(found: dict[str, Any]) -> None:
    kind, count, marked, mode, again, is_there, left = found["painted"]
    assert (kind, count, marked) == ("float32", len(scan_of(*truth()).mesh.vertices), 100)
    assert mode == 0o600
    assert again, "each request has a file of its own"
    assert not is_there
    assert not [name for name in left if name.startswith(".untrusted")]
    assert found["cleared"] is None


def test_a_place_is_told_in_the_scans_world_and_what_is_no_number_refused(
    found: dict[str, Any],
) -> None:
    assert found["far"] == {"left_knee": [50.0, 0.0, 0.0]}
    assert found["nan"] == "Left knee lies nowhere (its location is no number). Put it back, or drag it."
    assert found["restored"] == {}


def test_two_people_have_their_own_corrections(found: dict[str, Any]) -> None:
    assert found["ada"] == [[], []]
    assert found["bob"] == [["Points placed by hand: Nose.", "Pinned: torso."], ["nose"]]


def test_without_a_fit_only_a_fit_anew_can_be_asked_for(found: dict[str, Any]) -> None:
    start, refused = found["no_fit"]
    assert start == "anew"
    assert "has no fit yet; run the step Fit first" in refused
