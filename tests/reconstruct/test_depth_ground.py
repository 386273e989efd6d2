"""The floor is found whatever the camera's pose, and nothing else is taken for it."""

from __future__ import annotations

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.reconstruct.depth.ground import find_ground, survey
from bodyscan.types import Mesh, Skeleton

from .depth_scenes import (
    Scene,
    angle_deg,
    back_wall,
    disc,
    floor,
    person,
    side_wall,
    table,
    up_and_offset,
)

MOST_DEG = 0.3
MOST_M = 0.005


@pytest.fixture(scope="module")
def body(posed_person: tuple[Mesh, Skeleton]) -> Mesh:
    return posed_person[0]


@pytest.mark.parametrize("roll", [0.0, 12.0, 90.0, -90.0, 180.0])
@pytest.mark.parametrize("eye_height", [0.9, 2.6])
def test_a_noisy_floor_is_found_however_the_camera_is_held(
    body: Mesh, roll: float, eye_height: float
) -> None:
    size = (240, 320) if abs(roll) == 90 else (320, 240)
    scene = Scene((floor(), back_wall(-1.2), side_wall(-1.8), person(body)))
    # 2.6 m above the floor and 2.2 m away, the camera looks 40 degrees down.
    eye = (0.3, eye_height, 2.2 if eye_height > 2 else 2.8)
    frame, _, view = scene.frame(eye, (0, 0.75, 0), roll_deg=roll, size=size)
    ground = find_ground(frame.depth_m, frame.K)
    up, offset = up_and_offset(view)
    assert ground is not None
    assert angle_deg(ground.normal, up) < MOST_DEG
    assert abs(ground.offset - offset) < MOST_M


def test_a_small_floor_behind_a_large_person_and_walls_is_found(body: Mesh) -> None:
    scene = Scene((floor(2.4), back_wall(-0.6), side_wall(0.9), person(body)))
    frame, masks, view = scene.frame((0.1, 1.2, 2.2), (0, 0.9, 0), size=(240, 320))
    assert masks["floor"].sum() < 0.5 * masks["wall"].sum()
    ground = find_ground(frame.depth_m, frame.K)
    assert ground is not None
    assert angle_deg(ground.normal, up_and_offset(view)[0]) < MOST_DEG


def test_a_wall_is_no_floor_where_no_floor_is_seen(body: Mesh) -> None:
    frame, _, view = Scene((back_wall(-0.8), person(body))).frame((0, 1.3, 2.0), (0, 1.3, 0))
    assert find_ground(frame.depth_m, frame.K) is None
    assert find_ground(frame.depth_m, frame.K, up_and_offset(view)[0]) is None


@pytest.mark.parametrize("with_hint", [True, False])
def test_a_table_top_is_no_floor(body: Mesh, with_hint: bool) -> None:
    frame, _, view = Scene((floor(), table(), person(body))).frame((0.5, 1.7, 2.4), (0.3, 0.6, 0))
    up, offset = up_and_offset(view)
    ground = find_ground(frame.depth_m, frame.K, up if with_hint else None)
    assert ground is not None
    assert abs(ground.offset - offset) < MOST_M


def test_a_hint_twelve_degrees_off_finds_the_same_floor(body: Mesh) -> None:
    scene = Scene((floor(), back_wall(-1.0), side_wall(-1.2), person(body)))
    frame, _, view = scene.frame(roll_deg=90.0, size=(240, 320))
    up, offset = up_and_offset(view)
    turn = np.radians(12.0)
    level = view.camera_from_world[:3, 0]
    ground = find_ground(frame.depth_m, frame.K, np.cos(turn) * up + np.sin(turn) * level)
    assert ground is not None
    assert angle_deg(ground.normal, up) < MOST_DEG
    assert abs(ground.offset - offset) < MOST_M


@pytest.mark.parametrize("height", [0.05, 0.12, 0.25])
def test_a_disc_is_a_level_on_the_floor(body: Mesh, height: float) -> None:
    scene = Scene((floor(), back_wall(-1.5), disc(height), person(body, (0, height, 0))))
    frame, masks, view = scene.frame((0, 1.3, 2.4), (0, 0.8, 0), size=(240, 320))
    ground = find_ground(frame.depth_m, frame.K)
    assert ground is not None
    assert abs(ground.offset - up_and_offset(view)[1]) < MOST_M
    assert [level.height_m for level in ground.levels] == pytest.approx([height], abs=MOST_M)
    centre = ground.axes[:2] @ (
        view.camera_from_world[:3, :3] @ [0, height, 0] + view.camera_from_world[:3, 3]
    )
    assert ground.height_under(centre) == pytest.approx(height, abs=MOST_M)
    assert ground.height_under(centre + np.array([0.7, 0.0])) == 0.0
    assert masks["disc"].any()


def test_a_floor_without_a_disc_has_no_levels(body: Mesh) -> None:
    frame, _, _ = Scene((floor(), back_wall(-1.5), person(body))).frame()
    ground = find_ground(frame.depth_m, frame.K)
    assert ground is not None
    assert ground.levels == ()


def test_walls_are_other_planes(body: Mesh) -> None:
    frame, _, view = Scene((floor(), back_wall(-1.0), side_wall(-1.5), person(body))).frame()
    large = [plane for plane in survey(frame.depth_m, frame.K).planes if plane.area_m2 > 0.45]
    normals = [view.camera_from_world[:3, :3].T @ plane.normal for plane in large]
    assert len(large) == 2
    assert {int(np.argmax(np.abs(n))) for n in normals} == {0, 2}
    assert all(np.abs(n).max() > np.cos(np.radians(MOST_DEG * 2)) for n in normals)


def test_the_same_picture_gives_the_same_floor(body: Mesh) -> None:
    frame, _, _ = Scene((floor(), back_wall(-1.0), person(body))).frame()
    first, second = (find_ground(frame.depth_m, frame.K) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.normal.tobytes() == second.normal.tobytes()
    assert first.offset == second.offset


@pytest.mark.parametrize("shape", [(240, 320), (7, 5), (1, 1)])
def test_an_empty_picture_has_no_floor(shape: tuple[int, int]) -> None:
    K = np.array([[260.0, 0, 160], [0, 260, 120], [0, 0, 1]])
    assert find_ground(np.zeros(shape, np.float32), K) is None


def test_a_hint_of_no_length_is_refused() -> None:
    with pytest.raises(InputError, match="length 0"):
        find_ground(np.ones((8, 8), np.float32), np.eye(3), np.zeros(3))
