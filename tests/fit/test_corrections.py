"""A fit goes on from what a person set right: moved points hold, pinned parts stay, the rest is as it was."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.body.landmarks import detector_points
from bodyscan.body.model import BodyModel, PosedBody
from bodyscan.errors import InputError
from bodyscan.fit import Corrections, fit_body
from bodyscan.fit.corrections import PINNED_POINTS, held_points, with_placed, without_ignored
from bodyscan.fit.start import seen_faces
from bodyscan.types import BodyParams, Landmarks, Mesh, ScanMesh
from fit.people import clean_scan, joint_gap_mm, person_params, scan_of

SAME_MM, HELD_MM, PINNED_MM = 2.0, 6.0, 2.0


def adult() -> BodyModel:
    return load_body_model("adult")


@lru_cache(maxsize=1)
def truth() -> tuple[BodyParams, PosedBody, ScanMesh]:
    params = person_params(adult(), 3)
    return params, adult().pose(params), clean_scan(adult(), params)


def place_of(posed: PosedBody, *names: str) -> dict[str, tuple[float, float, float]]:
    places = detector_points(adult()).subset(names).positions(posed.vertices, posed.joints)
    return {name: tuple(place) for name, place in zip(names, places.tolist(), strict=True)}


def bent(params: BodyParams, joint: str, degrees: float) -> BodyParams:
    pose = params.pose_rotvec.copy()
    pose[adult().joint_index(joint), 2] += np.radians(degrees)
    return replace(params, pose_rotvec=pose)


def arm_gap_mm(fit_joints: np.ndarray) -> float:
    ids = [adult().joint_index(f"left{part}") for part in ("UpperArm", "LowerArm", "Hand")]
    return 1e3 * float(np.linalg.norm(fit_joints - truth()[1].joints, axis=1)[ids].max())


def test_an_arm_that_went_astray_follows_its_elbow_and_wrist() -> None:
    """The fit has the left arm 70 degrees too high; two points are put where they are."""
    params, posed, scan = truth()
    astray = bent(params, "leftUpperArm", 70.0)
    assert arm_gap_mm(adult().pose(astray).joints) > 300
    placed = place_of(posed, "left_elbow", "left_wrist")
    fit = fit_body(scan, model=adult(), corrections=Corrections(astray, placed))
    assert arm_gap_mm(fit.skeleton.positions) < HELD_MM
    assert joint_gap_mm(fit, posed.joints) < 8.0
    assert fit.quality.acceptable, fit.quality.reasons
    assert "corrected" in fit.notes[0]


def test_without_corrections_a_good_fit_stays_where_it_is() -> None:
    params, posed, scan = truth()
    fit = fit_body(scan, model=adult(), corrections=Corrections(params))
    assert joint_gap_mm(fit, posed.joints) < SAME_MM


@pytest.mark.slow
def test_a_placed_point_holds_where_the_scan_shows_nothing() -> None:
    """A forearm and hand that the scanner lost: nothing but the placed wrist tells where they are."""
    params, posed, scan = truth()
    lost = adult().region("left_lower_arm", "left_hand")
    seen = ~lost[seen_vertices()]
    part = scan_of(submesh(scan.mesh, seen))
    astray = bent(params, "leftLowerArm", 35.0)
    name = "left_wrist"
    fit = fit_body(part, model=adult(), corrections=Corrections(astray, place_of(posed, name)))
    gap = np.subtract(place_of(adult().pose(fit.params), name)[name], place_of(posed, name)[name])
    assert 1e3 * float(np.linalg.norm(gap)) < 10


def seen_vertices() -> np.ndarray:
    """Body vertices of the scan's, in its order."""
    return np.unique(adult().faces[seen_faces(adult())])


def submesh(mesh: Mesh, kept: np.ndarray) -> Mesh:
    new = np.cumsum(kept) - 1
    return Mesh(mesh.vertices[kept], new[mesh.faces[kept[mesh.faces].all(axis=1)]])


@pytest.mark.slow
def test_a_pinned_part_keeps_its_place_and_its_fingers() -> None:
    """The scan shows an arm elsewhere than the fit has it: free, the fit follows; pinned, it stays."""
    params, _, scan = truth()
    moved = bent(params, "leftLowerArm", 12.0)
    regions = ("left_upper_arm", "left_lower_arm", "left_hand")
    fit = fit_body(scan, model=adult(), corrections=Corrections(moved, pinned=regions))
    skin = adult().region(*regions) & ~adult().inner
    gap = np.linalg.norm(fit.body.vertices - adult().pose(moved).vertices, axis=1)[skin]
    assert 1e3 * float(gap.mean()) < PINNED_MM
    fingers = [k for k, name in enumerate(adult().joint_names) if name.startswith("leftIndex")]
    same = fit.params.pose_rotvec[fingers] - moved.pose_rotvec[fingers]
    assert np.abs(same).max() < np.radians(3)
    free = fit_body(scan, model=adult(), corrections=Corrections(moved))
    assert arm_gap_mm(free.skeleton.positions) < HELD_MM


def test_placed_points_replace_the_detectors_and_are_fully_trusted() -> None:
    found = Landmarks(("nose", "left_wrist"), np.zeros((2, 3)), np.array([0.4, 0.3]))
    placed = {"left_wrist": (1.0, 2.0, 3.0), "left_elbow": (0.0, 1.0, 0.0)}
    merged = with_placed(found, placed)
    assert merged is not None
    assert merged.names == ("nose", "left_wrist", "left_elbow")
    assert merged.positions[1].tolist() == [1.0, 2.0, 3.0]
    assert merged.confidence.tolist() == pytest.approx([0.4, 1.0, 1.0])
    alone = with_placed(None, placed)
    assert alone is not None
    assert alone.source == "person"
    assert with_placed(found, {}) is found


def test_ignored_points_are_not_there() -> None:
    found = Landmarks(("nose", "left_wrist"), np.eye(3)[:2], np.array([0.4, 0.3]), ("surface", "joint"))
    left = without_ignored(found, ["nose"])
    assert left is not None
    assert (left.names, left.kind) == (("left_wrist",), ("joint",))
    assert left.positions.tolist() == [[0.0, 1.0, 0.0]]
    assert without_ignored(found, found.names) is None
    assert without_ignored(found, ()) is found
    for landmarks in (found, None):
        with pytest.raises(InputError, match="The landmark left_heel was not found on this scan"):
            without_ignored(landmarks, ["left_heel"])


def test_pinned_regions_are_held_by_some_of_their_own_vertices() -> None:
    term = held_points(adult(), Corrections(truth()[0], pinned=("head", "left_foot")))
    assert term is not None
    used = np.unique(term.vertex_weights.indices)
    assert adult().region("head", "left_foot")[used].all()
    assert PINNED_POINTS < len(term.targets) <= 2 * PINNED_POINTS
    assert held_points(adult(), Corrections(truth()[0])) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"placed": {"left_antenna": (0.0, 0.0, 0.0)}}, "Unknown landmarks"),
        ({"placed": {"nose": (float("nan"), 0.0, 0.0)}}, "three finite numbers"),
        ({"pinned": ("tail",)}, "tail"),
    ],
)
def test_what_the_body_does_not_have_is_refused(change: dict, said: str) -> None:
    params, _, scan = truth()
    with pytest.raises(InputError, match=said):
        fit_body(scan, model=adult(), corrections=Corrections(params, **change))


def test_corrections_need_the_model_of_their_fit() -> None:
    params, _, scan = truth()
    with pytest.raises(InputError, match="give the body model"):
        fit_body(scan, corrections=Corrections(params))
    child = Corrections(replace(params, betas=params.betas[:5]))
    with pytest.raises(InputError, match="Fit anew"):
        fit_body(scan, model=adult(), corrections=child)
