"""Known frames are found again."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from bodyscan.errors import InputError
from bodyscan.reconstruct.landmarks import LandmarkOptions, ring
from bodyscan.reconstruct.lighter import lighter
from bodyscan.reconstruct.mediapipe_detector import POSE_NAMES, DetectedPose
from bodyscan.reconstruct.orient import AXES, FrameOptions, infer_frame, nearest_axis, vote_up
from bodyscan.reconstruct.slices import stance, surface_samples
from bodyscan.reconstruct.studio import Studio
from bodyscan.reconstruct.unit import METRES_PER_UNIT, choose_unit
from bodyscan.types import Mesh

FAST = FrameOptions(landmarks=LandmarkOptions(hands=False, face=False))
AXIS_ROTATIONS = [
    matrix
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1.0, -1.0), repeat=3)
    if np.linalg.det(matrix := np.eye(3)[list(order)] * np.array(signs)[:, None]) > 0
]


def moved(mesh: Mesh, matrix: np.ndarray, offset: np.ndarray | None = None) -> Mesh:
    return Mesh(mesh.vertices @ matrix.T + (0 if offset is None else offset), mesh.faces)


def frame_error(estimate, input_from_world: np.ndarray) -> tuple[float, float, float]:
    """Degrees of the up axis, degrees of yaw, and the ratio of the scale to the true one."""
    back = estimate.world_from_input[:3, :3] @ input_from_world
    scale = float(np.cbrt(np.linalg.det(back)))
    back = back / scale
    tilt = np.degrees(np.arccos(np.clip(back[1, 1], -1, 1)))
    return float(tilt), float(np.degrees(np.arctan2(back[0, 2], back[2, 2]))), scale


@pytest.mark.slow
@pytest.mark.parametrize("case", range(6))
def test_any_axes_unit_and_yaw_are_recovered(person, detector, case):
    random = np.random.default_rng(case)
    unit = list(METRES_PER_UNIT)[case % 4]
    yaw = random.uniform(0, 2 * np.pi)
    turn = AXIS_ROTATIONS[(case * 3 + 1) % 24] @ Rotation.from_rotvec([0, yaw, 0]).as_matrix()
    matrix = turn / METRES_PER_UNIT[unit]
    scan = moved(person, matrix, random.normal(size=3) / METRES_PER_UNIT[unit])
    estimate = infer_frame(scan, options=FAST, detector=detector)
    assert estimate.unit == unit
    assert estimate.up == nearest_axis(turn[:, 1])
    assert AXES[estimate.facing] @ turn[:, 2] > 0.65
    assert estimate.inferred == ("unit", "up", "facing")
    tilt, turned, scale = frame_error(estimate, matrix)
    assert tilt < 1e-3
    assert abs(turned) < 6
    assert scale == pytest.approx(1, abs=1e-6)
    world = moved(scan, estimate.world_from_input[:3, :3], estimate.world_from_input[:3, 3])
    assert abs(world.vertices[:, 1].min()) < 0.004
    assert estimate.landmarks is not None
    hips = [
        estimate.landmarks.positions[estimate.landmarks.names.index(f"{s}_hip")] for s in ("left", "right")
    ]
    np.testing.assert_allclose(np.mean(hips, axis=0)[[0, 2]], 0, atol=1e-6)
    assert any("Unit inferred" in note for note in estimate.notes)


@pytest.mark.slow
def test_a_clear_tilt_is_levelled_and_said(person, detector):
    turn = Rotation.from_rotvec(np.radians(8) * np.array([1.0, 0, 0])).as_matrix()
    estimate = infer_frame(moved(person, turn), options=FAST, detector=detector)
    assert frame_error(estimate, turn)[0] < 4
    assert any("tilted by" in note for note in estimate.notes)
    kept = infer_frame(
        moved(person, turn),
        "m",
        "+y",
        options=FrameOptions(FAST.landmarks, correct_tilt=False),
        detector=detector,
    )
    assert frame_error(kept, turn)[0] == pytest.approx(8, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(("axis", "degrees"), [((1, 0, 0), 25), ((0, 0, 1), 38), ((1, 1, 0), 60)])
def test_a_scan_that_stands_between_the_axes_is_set_upright_and_said(person, detector, axis, degrees):
    turn = Rotation.from_rotvec(np.radians(degrees) * np.array(axis) / np.linalg.norm(axis)).as_matrix()
    estimate = infer_frame(moved(person, turn), options=FAST, detector=detector)
    assert frame_error(estimate, turn)[0] < 4
    assert any("the person was set upright" in note for note in estimate.notes)


@pytest.mark.slow
def test_what_is_given_is_kept_and_only_the_rest_inferred(person, detector):
    estimate = infer_frame(person, "m", "+y", "+z", options=FAST, detector=detector)
    assert (estimate.unit, estimate.up, estimate.facing) == ("m", "+y", "+z")
    assert estimate.inferred == ()
    against = infer_frame(person, "m", "+y", "-z", options=FAST, detector=detector)
    assert against.facing == "-z"
    assert abs(frame_error(against, np.eye(3))[1]) == pytest.approx(180, abs=1e-6)
    assert any("seems to face +z" in note for note in against.notes)
    with pytest.raises(
        InputError, match=r"In metres the person would be 1[67]\d m tall.*In centimetres it would"
    ):
        infer_frame(moved(person, 100 * np.eye(3)), "m", "+y", options=FAST, detector=detector)


def test_a_scan_of_no_known_size_is_scaled_and_said_or_refused(person, detector):
    small = moved(person, 0.3 * np.eye(3))
    estimate = infer_frame(small, up="+y", options=FAST, detector=detector)
    assert estimate.unit == "unknown"
    assert estimate.height_m == pytest.approx(1.70)
    assert estimate.confidence <= 0.3
    assert any("all measurements are relative" in note for note in estimate.notes)
    with pytest.raises(InputError, match="Give the unit"):
        infer_frame(
            small, up="+y", options=FrameOptions(FAST.landmarks, assume_height_m=None), detector=detector
        )


def test_units_follow_from_height():
    for unit, metres in METRES_PER_UNIT.items():
        assert choose_unit(1.7 / metres, None, None).unit == unit
    assert choose_unit(1.1e3, None, None).unit == "mm"
    # 78 units without a skeleton: an adult of 1.98 m rather than a child of 0.78 m, and it is said.
    either = choose_unit(78.0, None, None)
    assert either.unit == "in"
    assert "centimetres would make 0.78 m" in either.notes[0]
    with pytest.raises(InputError, match="give one of m, cm, mm, in"):
        choose_unit(1.7, "ft", None)


def test_slices_tell_up_and_facing_of_a_figure_that_no_detector_knows(capsule_person):
    turn = AXIS_ROTATIONS[5]
    points = surface_samples(moved(capsule_person, turn))
    judged = {name: stance(points, axis) for name, axis in AXES.items()}
    best = max(judged, key=lambda name: judged[name].score)
    assert best == nearest_axis(turn[:, 1])
    assert judged[best].score > 0.55
    assert judged[best].leg_pieces == 2
    assert judged[best].forward @ turn[:, 2] > 0.95
    assert max(judged[name].score for name in AXES if name != best) < 0.5


def test_a_thing_is_refused_and_the_message_says_what_was_looked_for(detector):
    corners = np.random.default_rng(0).uniform(-1, 1, size=(3000, 3))
    with pytest.raises(InputError, match=r"No whole person was recognised .* no head above two legs"):
        infer_frame(Mesh(corners, np.zeros((0, 3))), detector=detector)
    with pytest.raises(InputError, match="holds 3 points: too few"):
        infer_frame(Mesh(np.eye(3), np.zeros((0, 3))), detector=detector)


def test_impossible_axes_are_refused_in_words(person, detector):
    with pytest.raises(InputError, match="up axis 'y' is not known; give one of"):
        infer_frame(person, up="y", detector=detector)
    with pytest.raises(InputError, match="along the same axis"):
        infer_frame(person, up="+y", facing="-y", detector=detector)
    with pytest.raises(InputError, match="assume_height_m must lie in"):
        FrameOptions(assume_height_m=17.0)


def test_a_lighter_copy_keeps_the_shape_and_its_colours(person):
    colours = (np.arange(len(person.vertices))[:, None] % 251 * np.ones(3)).astype(np.uint8)
    heavy = Mesh(person.vertices, person.faces, colors=colours)
    light = lighter(heavy, 4000)
    assert 1000 < len(light.faces) <= 4000
    assert light.colors is not None
    np.testing.assert_allclose(np.ptp(light.vertices, axis=0), np.ptp(person.vertices, axis=0), atol=0.03)
    index = {tuple(vertex): colour for vertex, colour in zip(heavy.vertices, colours[:, 0], strict=True)}
    assert all(index[tuple(v)] == c for v, c in zip(light.vertices, light.colors[:, 0], strict=True))
    assert lighter(heavy, 10**6) is heavy


class _Scripted:
    """A detector whose pictures were decided beforehand: how upright each one's person stands."""

    def __init__(self, votes: np.ndarray) -> None:
        self.votes, self.asked = votes, 0

    def pose(self, image: np.ndarray) -> DetectedPose:
        # The picture's first pixel says which axis and which view it is of.
        axis, view = image[0, 0, :2]
        self.asked += 1
        pixels = np.zeros((33, 2))
        pixels[[i for i, name in enumerate(POSE_NAMES) if "ankle" in name]] = [0, 100]
        vote = self.votes[axis, view]
        return DetectedPose(pixels * np.sign(vote), np.full(33, abs(vote), np.float32), np.zeros(33))


@pytest.mark.parametrize("seed", range(8))
def test_the_up_vote_that_stops_early_names_the_axis_that_all_pictures_name(
    monkeypatch, capsule_person, seed
):
    random = np.random.default_rng(seed)
    votes = random.uniform(-1, 1, (6, 4)) * (1.0 if seed % 2 else 0.3)
    votes[random.integers(6)] += 0.6 * (seed % 4 == 1)
    votes = np.clip(votes, -1, 1)
    studio, detector = Studio(capsule_person), _Scripted(votes)
    seen: dict[int, tuple[int, int]] = {}

    def numbered_ring(bounds, options, *, up):
        views = ring(bounds, options, up=up)
        axis = [tuple(a) for a in AXES.values()].index(tuple(up))
        seen.update({id(view): (axis, number) for number, view in enumerate(views)})
        kept.extend(views)
        return views

    kept: list = []
    monkeypatch.setattr("bodyscan.reconstruct.orient.ring", numbered_ring)
    monkeypatch.setattr(
        Studio, "picture", lambda self, view: (np.array([[[*seen[id(view)], 0]]], np.uint8), None)
    )
    counted = vote_up(studio, detector, FrameOptions())  # type: ignore[arg-type]
    best = list(AXES)[int(votes.sum(axis=1).argmax())]
    assert max(counted, key=lambda name: counted[name]) == best
    assert counted[best] == pytest.approx(votes.sum(axis=1).max(), abs=1e-6)
    assert detector.asked <= 24
