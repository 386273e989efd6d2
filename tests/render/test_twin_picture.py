from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.geometry.view import View
from bodyscan.render.cameras import person_view
from bodyscan.render.options import RenderOptions
from bodyscan.render.twin_picture import (
    VIEWS,
    TwinPicture,
    TwinPictureOptions,
    render_turntable,
    render_twin,
)
from bodyscan.types import Mesh, SkinTextures
from render.shapes import all_morphs, stick_person

PLAIN = RenderOptions(occlusion_rays=0, shadow_rays=0, edge_samples=1, ground=False)
WIDTH, HEIGHT = 200, 300
HEAD = np.array([0.0, 1.55, 0.0])


def options(**changes: object) -> TwinPictureOptions:
    fields: dict = {"width": WIDTH, "height": HEIGHT, "background": (0, 0, 255), "render": PLAIN}
    return TwinPictureOptions(**(fields | changes))


def drawn(**changes: object) -> TwinPicture:
    return render_twin(stick_person(), options=options(**changes))


def person(picture: TwinPicture) -> np.ndarray:
    """(H, W) where the grey person stands before the blue background."""
    image = picture.image.astype(int)
    return image[..., 2] - image[..., 0] < 60


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_shows_the_person_in_a_picture_of_the_asked_size(view):
    picture = drawn(view=view)
    assert picture.image.shape == (HEIGHT, WIDTH, 3)
    assert picture.image.dtype == np.uint8
    seen = person(picture)
    assert 0.01 < seen.mean() < 0.7
    assert not seen[0].any()  # nothing is cut off at the top
    if view != "face":
        assert not seen[:, [0, -1]].any()
        assert not seen[-1].any()


@pytest.mark.parametrize("view", VIEWS)
def test_the_face_box_holds_the_head_and_little_else(view):
    picture = drawn(view=view)
    assert picture.face_box is not None
    left, top, right, bottom = picture.face_box
    assert 0 <= left < right <= WIDTH
    assert 0 <= top < bottom <= HEIGHT
    outside = person(picture)
    above = outside[:top].any()
    outside[top:bottom, left:right] = False
    assert not above
    if view != "face":
        # The head's ball is 0.2 m of a person of about 1.6 m.
        assert bottom - top < 0.25 * HEIGHT
        rows = np.flatnonzero(outside.any(axis=1))
        assert rows.min() > top + 0.7 * (bottom - top)  # the shoulders


def test_the_face_fills_its_view():
    left, top, right, bottom = drawn(view="face").face_box or (0, 0, 0, 0)
    assert (right - left) * (bottom - top) > 0.3 * WIDTH * HEIGHT


def test_a_whole_turn_changes_nothing_and_a_quarter_is_the_side():
    front = drawn()
    again = drawn(turn=2 * np.pi)
    assert np.abs(front.image.astype(int) - again.image).max() <= 1
    np.testing.assert_array_equal(drawn(turn=np.pi / 2).image, drawn(view="side").image)
    assert np.abs(front.image.astype(int) - drawn(view="side").image).max() > 60


def test_the_side_is_the_persons_left():
    rig = stick_person()
    points = rig.mesh.vertices
    view = person_view(points, "left", width=WIDTH, height=HEIGHT)
    hand = rig.skeleton.positions[list(rig.skeleton.joint_names).index("leftHand")]
    other = rig.skeleton.positions[list(rig.skeleton.joint_names).index("rightHand")]
    assert np.linalg.norm(view.eye - hand) < np.linalg.norm(view.eye - other)


def shape_of(picture: TwinPicture) -> float:
    """Width of the person by their height."""
    seen = person(picture)
    columns, rows = (np.flatnonzero(seen.any(axis=axis)) for axis in (0, 1))
    return np.ptp(columns) / np.ptp(rows)


def test_a_pose_moves_the_arms():
    assert shape_of(drawn(pose="t")) > 1.2 * shape_of(drawn(pose="a"))
    assert shape_of(drawn(pose="a")) > 1.2 * shape_of(drawn(pose="relaxed"))


def test_an_expression_changes_the_face_alone():
    rig = stick_person()
    morphs = all_morphs(rig, ("jawOpen",))
    still = render_twin(rig, morphs=morphs, options=options(view="front"))
    moved = render_twin(rig, morphs=morphs, options=options(view="front", expression={"jawOpen": 1.0}))
    changed = np.abs(still.image.astype(int) - moved.image).max(axis=2) > 4
    assert changed.any()
    left, top, right, bottom = moved.face_box or (0, 0, 0, 0)
    changed[top:bottom, left:right] = False
    assert not changed.any()


def test_the_texture_colours_the_person():
    rig = stick_person()
    uvs = np.full((len(rig.mesh.vertices), 2), 0.5, np.float32)
    rig = replace(rig, mesh=Mesh(rig.mesh.vertices, rig.mesh.faces, uvs))
    red = SkinTextures(np.full((8, 8, 3), (200, 20, 20), np.uint8))
    image = render_twin(rig, textures=red, options=options()).image.astype(int)
    assert ((image[..., 0] > 90) & (image[..., 2] < 60)).sum() > 200


def test_landmarks_give_the_face_box_and_those_of_another_pose_do_not():
    rig = stick_person()
    mesh = rig.mesh
    lower = mesh.vertices[(mesh.vertices[:, 1] < 1.5) & (mesh.vertices[:, 1] > 1.45)]
    spots = lower[np.abs(lower[:, 0]) < 0.11][:4]
    names = ("chin", "nose_tip", "subnasale", "left_mouth_corner")
    small = {name: tuple(map(float, spot)) for name, spot in zip(names, spots, strict=True)}
    far = {name: (x, y + 0.5, z) for name, (x, y, z) in small.items()}
    whole = render_twin(rig, options=options()).face_box
    low = render_twin(rig, landmarks=small, options=options()).face_box
    off = render_twin(rig, landmarks=far, options=options()).face_box
    assert whole is not None
    assert low is not None
    assert low[3] - low[1] < 0.6 * (whole[3] - whole[1])
    assert off == whole


def test_a_skeleton_without_a_head_still_has_a_face_box():
    rig = stick_person()
    names = tuple("skull" if name == "head" else name for name in rig.skeleton.joint_names)
    bare = replace(rig, skeleton=replace(rig.skeleton, joint_names=names))
    left, top, right, bottom = render_twin(bare, options=options()).face_box or (0, 0, 0, 0)
    spot = _front_view().project(HEAD[None])[0]
    assert left < spot[0] < right
    assert top < spot[1] < bottom


def _front_view() -> View:
    points = stick_person().mesh.vertices
    return person_view(points, "front", width=WIDTH, height=HEIGHT, fill=0.86, elevation=0.08)


def test_a_turntable_keeps_the_person_at_one_size():
    pictures = render_turntable(stick_person(), 4, options=options())
    assert len(pictures) == 4
    tall = [np.flatnonzero(person(picture).any(axis=1)) for picture in pictures]
    heights = [int(rows.max() - rows.min()) for rows in tall]
    assert max(heights) - min(heights) <= 0.03 * HEIGHT
    for one in (0, 1):
        # Only the toes differ from the front and from behind.
        assert np.abs(heights[one] - heights[one + 2]) <= 6
    assert np.abs(pictures[0].image.astype(int) - pictures[1].image).max() > 60


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"view": "top"}, "view is 'top'; possible are front, three-quarter"),
        ({"pose": "yoga"}, "pose is 'yoga'; possible are captured"),
        ({"width": 20}, "width is 20; possible is 200 to 4096"),
        ({"height": 9000}, "height is 9000"),
        ({"background": (0, 0, 300)}, "three numbers from 0 to 255"),
    ],
)
def test_options_outside_of_their_range_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        options(**changes)


@pytest.mark.parametrize("count", [1, 73])
def test_a_turntable_has_a_sensible_number_of_pictures(count):
    with pytest.raises(InputError, match=f"A turntable of {count} pictures.*possible is 2 to 72"):
        render_turntable(stick_person(), count, options=options())


def test_a_turntable_of_the_face_is_refused():
    with pytest.raises(InputError, match="leave the view 'face' out"):
        render_turntable(stick_person(), 4, options=options(view="face"))


def test_a_twin_without_triangles_is_refused():
    rig = stick_person()
    cloud = replace(rig, mesh=Mesh(rig.mesh.vertices, np.zeros((0, 3), np.int32)))
    with pytest.raises(InputError, match="The twin has no triangles"):
        render_twin(cloud, options=options())


def test_an_expression_that_the_twin_lacks_is_refused():
    with pytest.raises(InputError, match="The twin has no face shapes, so that it cannot show smile"):
        drawn(expression={"smile": 1.0})
