"""What a front end may ask for, and what it is told where it asks for something else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bodyscan.consent import Medium, Purpose
from bodyscan.errors import InputError
from bodyscan.steps.request import (
    FitRequest,
    ScanRequest,
    TwinRequest,
    placed_points,
    read_request,
    untrusted_share,
)

FIT = {"step": "fit", "folder": "f"}


def test_a_request_is_read_with_its_defaults() -> None:
    request = read_request({"id": 1, **FIT})
    assert request == FitRequest("f")
    assert isinstance(request, FitRequest)
    assert (request.start, request.pinned, request.betas) == ("anew", (), None)


def test_null_means_not_given() -> None:
    values = {
        "id": 2,
        "step": "scan",
        "folder": "f",
        "capture": "a.obj",
        "consent": "c.json",
        "photos": None,
        "unit": None,
        "use": {"purpose": "virtual_try_on", "territory": None, "medium": "web", "licensee": None},
    }
    request = read_request(values)
    assert isinstance(request, ScanRequest)
    assert request.photos is None
    use = request.use.as_use()
    assert (use.purpose, use.medium, use.territory) == (Purpose.VIRTUAL_TRY_ON, Medium.WEB, None)


def test_lists_become_what_the_fit_takes() -> None:
    values = {
        **FIT,
        "start": "earlier",
        "placed": {"left_wrist": [1, 2.5, 3]},
        "pinned": ["left_hand", "head"],
        "betas": [0, 1.5],
        "pose_rotvec": [[0, 0, 0], [0.1, 0, 0]],
    }
    request = read_request(values)
    assert isinstance(request, FitRequest)
    assert placed_points(request) == {"left_wrist": (1.0, 2.5, 3.0)}
    assert request.pinned == ("left_hand", "head")
    assert np.array(request.pose_rotvec).shape == (2, 3)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"step": "dance"}, "The step 'dance' is not known; known are: scan, fit, texture, twin, export"),
        ({}, "The step 'None' is not known"),
        ({"step": "fit"}, "names no working folder"),
        ({**FIT, "colour": "red"}, "colour is not a known option; known are:"),
        ({**FIT, "start": "again"}, "'start' is 'again'; possible: anew, earlier"),
        ({**FIT, "pinned": ["head"]}, "say start 'earlier'"),
        ({**FIT, "betas": "tall"}, "betas must be a list"),
        ({**FIT, "folder": 3}, "folder must be text"),
        ({**FIT, "use": {"purpose": "spying"}}, "Purposes: make_twin"),
        ({**FIT, "use": {"territory": "Moon"}}, "territory"),
        ({"step": "scan", "folder": "f", "capture": "a.obj"}, "needs a capture and the person's consent"),
        ({"step": "twin", "folder": "f", "pose": "yoga"}, "possible: captured, a, t"),
        ({"step": "export", "folder": "f"}, "needs a file to write"),
        (
            {"step": "export", "folder": "f", "output": "t.glb", "target": "godot"},
            "'target' is 'godot'; possible: gltf, vrm, mixamo, unreal, unity",
        ),
    ],
)
def test_what_is_wrong_is_told(values: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_request(values).use.as_use()


@pytest.mark.parametrize("place", ["here", [1, 2], [1, 2, "x"], None])
def test_a_landmark_needs_a_point(place: Any) -> None:
    with pytest.raises(InputError, match=r"left_wrist was put at .* give three numbers in metres"):
        placed_points(FitRequest("f", placed={"left_wrist": place}))


def test_placed_must_be_a_table() -> None:
    with pytest.raises(InputError, match="must be a table"):
        placed_points(FitRequest("f", placed=["left_wrist"]))


def test_a_passphrase_is_not_shown() -> None:
    """A request may end up in a log."""
    request = read_request({"step": "twin", "folder": "f", "passphrase": "open sesame"})
    assert isinstance(request, TwinRequest)
    assert request.passphrase == "open sesame"
    assert "sesame" not in repr(request)


class TestUntrusted:
    """What a person painted over the scan."""

    def ask(self, path: Path, values: Any, count: int = 3) -> np.ndarray | None:
        np.save(path, values)
        return untrusted_share(FitRequest("f", untrusted=str(path)), count)

    def test_it_is_read_and_kept_between_0_and_1(self, tmp_path: Path) -> None:
        found = self.ask(tmp_path / "a.npy", np.array([0, 0.5, 1.5], np.float32))
        assert found is not None
        assert found.tolist() == [0.0, 0.5, 1.0]
        assert untrusted_share(FitRequest("f"), 3) is None

    def test_another_number_of_vertices_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"has the shape \(2,\); the scan has 3 vertices"):
            self.ask(tmp_path / "a.npy", np.zeros(2))

    def test_what_is_no_number_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="no numbers"):
            self.ask(tmp_path / "a.npy", np.array([0, np.nan, 1]))

    def test_nothing_is_unpickled(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="cannot be read as an array"):
            self.ask(tmp_path / "a.npy", np.array([{}, {}, {}], dtype=object))
        with pytest.raises(InputError, match="cannot be read as an array"):
            untrusted_share(FitRequest("f", untrusted=str(tmp_path / "none.npy")), 3)
