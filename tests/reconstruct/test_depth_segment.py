"""Every person's pixels, and no others: against ray-cast truth, and on real pictures where they are there."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bodyscan.capture import depth_depthkit
from bodyscan.errors import InputError
from bodyscan.geometry.load_open3d import load_open3d
from bodyscan.geometry.raycast import Raycaster
from bodyscan.geometry.view import View
from bodyscan.reconstruct.depth.ground import find_ground
from bodyscan.reconstruct.depth.people import _join_loose, find_people
from bodyscan.reconstruct.depth.pieces import Pieces
from bodyscan.reconstruct.depth.segment import SegmentOptions, segment_frames
from bodyscan.reconstruct.mediapipe_detector import PersonDetector
from bodyscan.simulate.depth import simulate_depth
from bodyscan.simulate.depth_options import DepthRigOptions
from bodyscan.simulate.options import RawScanOptions
from bodyscan.types import DepthFrame, Mesh, Skeleton

from .depth_scenes import (
    Scene,
    Thing,
    back_wall,
    box,
    disc,
    floor,
    overlap,
    person,
    side_wall,
    up_and_offset,
)

REAL = Path(__file__).resolve().parents[3] / "shared" / "scans" / "clouds_pcl_people"
LEAST_OVERLAP = 0.97
SOLE_M = 0.025


@pytest.fixture(scope="module")
def body(posed_person: tuple[Mesh, Skeleton]) -> Mesh:
    return posed_person[0]


def heights(frame: DepthFrame, view: object) -> np.ndarray:
    """(H, W) metres above the true floor."""
    up, offset = up_and_offset(view)  # type: ignore[arg-type]
    rows, columns = np.indices(frame.depth_m.shape) + 0.5
    x = (columns - frame.K[0, 2]) / frame.K[0, 0]
    y = (rows - frame.K[1, 2]) / frame.K[1, 1]
    return frame.depth_m * (x * up[0] + y * up[1] + up[2]) - offset


ROOMS: dict[str, Callable[[], tuple[Thing, ...]]] = {
    "nothing": lambda: (),
    "floor": lambda: (floor(),),
    "wall at 10 cm": lambda: (floor(), back_wall(-0.27)),
    "corner": lambda: (floor(), back_wall(-0.8), side_wall(-1.1)),
    "box": lambda: (floor(), back_wall(-1.2), box((0.7, 0, -0.6), (1.2, 0.8, -0.1))),
}


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("turn", [0.0, 90.0])
def test_one_person_is_cut_out(body: Mesh, room: str, turn: float) -> None:
    centred = Mesh(body.vertices - [0, 0, body.vertices[:, 2].min() + 0.16], body.faces)
    scene = Scene((*ROOMS[room](), person(centred, turn_deg=turn)))
    frame, masks, view = scene.frame(size=(240, 320))
    found = find_people(frame, find_ground(frame.depth_m, frame.K), None)
    assert len(found) == 1
    above = heights(frame, view) > SOLE_M
    assert overlap(found[0] & above, masks["person"] & above) > LEAST_OVERLAP
    assert not (found[0] & ~masks["person"]).sum() > 0.01 * masks["person"].sum()


@pytest.mark.parametrize("roll", [90.0, -90.0, 180.0])
def test_the_way_the_camera_is_held_changes_nothing(body: Mesh, roll: float) -> None:
    size = (320, 240) if abs(roll) == 90 else (240, 320)
    scene = Scene((floor(), back_wall(-0.9), person(body)))
    frame, masks, view = scene.frame(roll_deg=roll, size=size)
    (found,) = find_people(frame, find_ground(frame.depth_m, frame.K), None)
    above = heights(frame, view) > SOLE_M
    assert overlap(found & above, masks["person"] & above) > LEAST_OVERLAP


@pytest.mark.parametrize("height", [0.05, 0.2])
def test_a_disc_and_its_rim_are_cut_away(body: Mesh, height: float) -> None:
    scene = Scene((floor(), back_wall(-1.0), disc(height), person(body, (0, height, 0))))
    frame, masks, view = scene.frame((0, 1.3, 2.6), (0, 0.9, 0), size=(240, 320))
    (found,) = find_people(frame, find_ground(frame.depth_m, frame.K), None)
    above = heights(frame, view) > height + SOLE_M
    assert overlap(found & above, masks["person"] & above) > LEAST_OVERLAP
    assert (found & masks["disc"]).sum() < 0.004 * found.sum()


@pytest.mark.parametrize("apart", [1.6, 0.9, 0.55])
def test_two_people_are_told_apart(body: Mesh, apart: float) -> None:
    # In profile, the nearer the more: at 0.55 m the picture shows them as one piece from hand to hand.
    pair = [
        person(body, (s * apart / 2, 0, 0), turn_deg=t, name=n) for s, t, n in ((-1, 20, "a"), (1, -30, "b"))
    ]
    frame, masks, view = Scene((floor(), back_wall(-1.2), *pair)).frame((0, 1.2, 2.8), (0, 0.85, 0))
    found = find_people(frame, find_ground(frame.depth_m, frame.K), None)
    assert len(found) == 2
    assert not (found[0] & found[1]).any()
    least = LEAST_OVERLAP if apart > 1.3 else 0.8
    above = heights(frame, view) > SOLE_M
    for name in ("a", "b"):
        assert max(overlap(mask & above, masks[name] & above) for mask in found) > least


def test_nobody_is_found_in_an_empty_room() -> None:
    frame, _, _ = Scene(ROOMS["box"]()).frame()
    assert find_people(frame, find_ground(frame.depth_m, frame.K), None) == []


def test_frames_of_a_turn_keep_one_person_and_one_floor(body: Mesh) -> None:
    shots = [
        Scene((floor(), back_wall(-1.0), disc(0.1), person(body, (0, 0.1, 0), turn_deg=turn))).frame(
            size=(240, 320), seed=turn, name=f"turn {turn}"
        )
        for turn in range(0, 360, 60)
    ]
    done = segment_frames([frame for frame, _, _ in shots], None)
    assert done.is_still_camera
    assert done.people == (1,) * 6
    assert done.kept == list(range(6))
    assert all(ground is done.grounds[0] for ground in done.grounds)
    for mask, (frame, masks, view) in zip(done.masks, shots, strict=True):
        above = heights(frame, view) > 0.1 + SOLE_M
        assert overlap(mask & above, masks["person"] & above) > LEAST_OVERLAP


def test_who_passes_close_by_once_does_not_make_the_camera_move(body: Mesh) -> None:
    scene = Scene((floor(), back_wall(-1.0), person(body)))
    frames = [scene.frame(size=(240, 320), seed=k)[0] for k in range(12)]
    hidden = frames[5].depth_m.copy()
    hidden[:, :200] = 0.7
    frames[5] = replace(frames[5], depth_m=hidden)
    done = segment_frames(frames, None)
    assert done.is_still_camera
    assert all(ground is done.grounds[0] for ground in done.grounds)
    # A tripod that is pushed stands elsewhere from then on.
    pushed = [scene.frame((0.1, 1.3, 2.5), size=(240, 320), seed=k)[0] for k in range(12)]
    assert not segment_frames([*frames[:5], *pushed], None).is_still_camera


def test_a_camera_that_walks_has_a_floor_for_each_frame(body: Mesh) -> None:
    scene = Scene((floor(), back_wall(-1.6), side_wall(-1.9), person(body)))
    eyes = [(0.0, 1.1, 2.6), (0.9, 1.3, 2.4), (1.6, 0.9, 2.0)]
    shots = [scene.frame(eye, size=(240, 320)) for eye in eyes]
    done = segment_frames([frame for frame, _, _ in shots], None)
    assert not done.is_still_camera
    for ground, (_, _, view) in zip(done.grounds, shots, strict=True):
        assert ground is not None
        assert abs(ground.offset - up_and_offset(view)[1]) < 0.005


def test_a_hand_that_shakes_moves_the_floor_with_it(body: Mesh) -> None:
    # So little that the pixels' noise hides it from each of them, and more than a floor is cut off within.
    scene = Scene((floor(), person(body)))
    eyes = [(0.0, 1.1, 2.4), (0.0, 1.115, 2.4), (0.01, 1.09, 2.41), (0.0, 1.1, 2.4)]
    shots = [scene.frame(eye, size=(240, 320), seed=k) for k, eye in enumerate(eyes)]
    done = segment_frames([frame for frame, _, _ in shots], None)
    assert not done.is_still_camera
    for mask, ground, (frame, masks, view) in zip(done.masks, done.grounds, shots, strict=True):
        assert ground is not None
        assert abs(ground.offset - up_and_offset(view)[1]) < 0.005  # metres
        assert (mask & masks["floor"]).sum() < 0.005 * mask.sum()
        above = heights(frame, view) > SOLE_M
        assert overlap(mask & above, masks["person"] & above) > LEAST_OVERLAP


def two(
    body: Mesh, places: tuple[float, float], name: str = "pair"
) -> tuple[DepthFrame, dict[str, np.ndarray]]:
    """A picture of two people at places across it."""
    pair = [person(body, (x, 0, 0), turn_deg=60, name=str(k)) for k, x in enumerate(places)]
    frame, masks, _ = Scene((floor(), back_wall(-1.2), *pair)).frame((0, 1.2, 3.0), (0, 0.85, 0), name=name)
    return frame, masks


def test_two_people_at_the_same_distance_from_the_middle_are_refused(body: Mesh) -> None:
    frame, _ = two(body, (-0.6, 0.6), "frame_07")
    with pytest.raises(InputError, match=r"frame_07 shows 2 people"):
        segment_frames([frame], None)


def test_the_central_person_is_taken_where_that_is_clear(body: Mesh) -> None:
    frame, masks = two(body, (0.0, 1.25))
    done = segment_frames([frame], None)
    assert overlap(done.masks[0], masks["0"]) > 0.9
    assert done.people == (2,)
    assert any("More than one person" in note for note in done.notes)
    with pytest.raises(InputError, match="pair shows 2 people"):
        segment_frames([frame], None, SegmentOptions(pick="only"))


def test_a_doubtful_frame_follows_its_neighbours(body: Mesh) -> None:
    shots = [two(body, places) for places in ((0.0, 1.25), (-0.35, 0.45), (0.0, 1.25))]
    done = segment_frames([frame for frame, _ in shots], None)
    assert all(overlap(m, masks["0"]) > 0.9 for m, (_, masks) in zip(done.masks, shots, strict=True))


def test_few_frames_without_a_person_are_left_out_and_many_refused(body: Mesh) -> None:
    scene = Scene((floor(), back_wall(-1.0), person(body)))
    with_person = [scene.frame(seed=k, name=f"f{k}")[0] for k in range(5)]
    empty = Scene((floor(), back_wall(-1.0))).frame(name="hole")[0]
    done = segment_frames([*with_person, empty], None)
    assert done.kept == [0, 1, 2, 3, 4]
    assert done.people[5] == 0
    assert any("hole" in note and "Left out" in note for note in done.notes)
    with pytest.raises(InputError, match=r"2 of 3 frames show no person \(hole, hole\)"):
        segment_frames([with_person[0], empty, empty], None)
    with pytest.raises(InputError, match=r"2 of 6 frames show no person"):
        segment_frames([*with_person[:2], empty, empty, *with_person[:2]], None)


def test_what_was_recorded_before_and_after_the_person_is_left_out(body: Mesh) -> None:
    scene = Scene((floor(), back_wall(-1.0), person(body)))
    with_person = [scene.frame(seed=k)[0] for k in range(4)]
    empty = [Scene((floor(), back_wall(-1.0))).frame(seed=k, name=f"hole {k}")[0] for k in range(4)]
    done = segment_frames([*empty[:2], *with_person, *empty[2:]], None)
    assert done.kept == [2, 3, 4, 5]
    assert "Left out, because they show no person: hole 0, hole 1, hole 2 ... (4 of 8)." in done.notes


def test_feet_outside_of_the_picture_are_noted(body: Mesh) -> None:
    scene = Scene((floor(), person(body)))
    whole = segment_frames([scene.frame((0, 1.1, 2.8), size=(240, 320))[0]], None)
    assert not any("cut off" in note for note in whole.notes)
    frame = scene.frame((0, 1.5, 1.9), (0, 1.25, 0), size=(240, 320), name="near")[0]
    notes = segment_frames([frame], None).notes
    assert any("feet are cut off" in note and "near" in note for note in notes)
    assert not any("head is" in note for note in notes)


def test_the_same_frames_give_the_same_masks(body: Mesh) -> None:
    frames = [Scene((floor(), back_wall(-1.0), person(body))).frame(seed=k)[0] for k in range(2)]
    first, second = segment_frames(frames, None), segment_frames(frames, None)
    assert all((a == b).all() for a, b in zip(first.masks, second.masks, strict=True))


def test_no_frames_and_bad_options_are_refused() -> None:
    with pytest.raises(InputError, match="no frames"):
        segment_frames([], None)
    with pytest.raises(InputError, match="possible: central, only"):
        SegmentOptions(pick="left")
    with pytest.raises(InputError, match="max_missing"):
        SegmentOptions(max_missing=1.5)


def real(name: str) -> DepthFrame:
    """An organised cloud of a Kinect."""
    path = REAL / name
    if not path.is_file():
        pytest.skip("the real pictures are not here")
    cloud = load_open3d().io.read_point_cloud(str(path), remove_nan_points=False)
    depth = np.nan_to_num(np.asarray(cloud.points)[:, 2]).reshape(480, 640).astype(np.float32).clip(0)
    color = (np.asarray(cloud.colors) * 255).round().astype(np.uint8)
    K = np.array([[525.0, 0, 320], [0, 525, 240], [0, 0, 1]])
    return DepthFrame(depth, K, color.reshape(480, 640, 3) if len(color) else None, name=name)


def test_five_real_people_are_five(detector: PersonDetector) -> None:
    frame = real("five_people.pcd")
    found = find_people(frame, find_ground(frame.depth_m, frame.K), detector)
    assert len(found) == 5
    assert not any((a & b).any() for a, b in itertools.combinations(found, 2))
    # Columns of the five heads, and of what is around them.
    middle = sorted(float(np.median(np.nonzero(mask)[1])) for mask in found)
    assert middle == pytest.approx([90, 195, 330, 415, 535], abs=15)
    assert all(mask.sum() > 15_000 for mask in found)
    with pytest.raises(InputError, match="five_people"):
        segment_frames([frame], detector)


def test_a_real_bust_without_colour_is_one_person() -> None:
    frame = real("person.pcd")
    done = segment_frames([frame], None)
    rows, columns = np.nonzero(done.masks[0])
    assert 40_000 < len(rows) < 55_000
    assert float(np.median(frame.depth_m[done.masks[0]])) < 0.9
    assert (rows.min(), columns.min(), columns.max()) == pytest.approx((163, 116, 366), abs=6)
    assert any("feet are cut off" in note for note in done.notes)


def test_a_real_floor_with_a_laptop_shows_nobody(detector: PersonDetector) -> None:
    frame = real("frames/frame_20121214T142255.814212.pcd")
    with pytest.raises(InputError, match="show no person"):
        segment_frames([frame], detector)
    assert find_people(frame, find_ground(frame.depth_m, frame.K), None) == []


def test_a_real_person_on_their_side_without_background_is_whole(detector: PersonDetector) -> None:
    path = REAL.parent / "rgbd_depthkit" / "Chae_Demo_Upres.txt"
    if not path.is_file():
        pytest.skip("the real pictures are not here")
    capture = depth_depthkit.read(path)
    for graphs in (detector, None):
        done = segment_frames(capture.frames, graphs, up=capture.up)
        measured = capture.frames[0].depth_m > 0
        assert done.people == (1,)
        assert overlap(done.masks[0], measured) > 0.995


def test_the_network_gives_a_chance_for_each_pixel(detector: PersonDetector) -> None:
    chance = detector.person(np.zeros((48, 64, 3), np.uint8))
    assert chance.shape == (48, 64)
    assert chance.dtype == np.float32
    assert 0 <= chance.min() <= chance.max() < 0.5
    with pytest.raises(InputError, match="uint8"):
        detector.person(np.zeros((48, 64), np.uint8))


@pytest.mark.slow
def test_a_dressed_person_in_colour_is_cut_out_of_a_room_at_every_turn(detector: PersonDetector) -> None:
    rig = DepthRigOptions(seed=8, sensor="azure-kinect", rig="walk-around", frames=4, background="room")
    made = simulate_depth(RawScanOptions(seed=8), rig)
    done = segment_frames(made.frames, detector)
    caster = Raycaster(made.truth.surface())
    assert done.people == (1,) * 4
    for k, mask in enumerate(done.masks):
        frame, pose = made.frames[k], np.linalg.inv(made.truth.world_from_camera[k])
        height, width = frame.depth_m.shape
        seen = caster.render(View(width, height, frame.K, pose))
        truth = seen.mask & (frame.depth_m > 0) & (np.abs(frame.depth_m - seen.depth) < 0.06)
        assert overlap(mask, truth) > LEAST_OVERLAP


def test_a_trunk_whose_hand_hides_the_hips_is_joined_to_the_legs() -> None:
    """The hand touches the legs in the picture; the trunk is nearer to them in depth, and too far across."""
    depth = np.zeros((160, 120), np.float32)
    depth[80:150, 40:80] = 1.80
    depth[30:78, 50:60] = 1.34
    depth[30:70, 60:80] = np.linspace(1.345, 1.40, 20, dtype=np.float32)
    K = np.array([[208.0, 0, 60], [0, 208.0, 80], [0, 0, 1]])
    pieces = Pieces(depth, K, depth > 0, np.ones(depth.shape, np.float32), None)
    assert pieces.count == 2
    legs = int(pieces.labels[100, 60])
    owner, masks = np.zeros(3, np.int32), (pieces.labels == legs).astype(np.int32)
    owner[legs] = 1
    assert _join_loose(pieces, owner, masks)
    assert masks[40, 55] == 1
    assert masks[40, 70] == 1
