"""Laws of the clean-up: what was added goes, what was turned is turned back, the person stays."""

from __future__ import annotations

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.reconstruct.bake_vertices import bake_texture_to_vertices
from bodyscan.reconstruct.clean import CleanOptions, clean_scan
from bodyscan.types import Mesh, Texture

from .clean_shapes import capsule, fused_post, person, plate, same_surface, together

PERSON = person()
TOL_M = 1e-4


def _turned(pair: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    return pair[0], pair[1][:, ::-1]


def test_a_clean_body_is_left_as_it_is() -> None:
    mesh = together(PERSON)
    result = clean_scan(mesh)
    np.testing.assert_array_equal(result.mesh.vertices, mesh.vertices)
    np.testing.assert_array_equal(result.mesh.faces, mesh.faces)
    np.testing.assert_array_equal(result.source_vertex, np.arange(len(mesh.vertices)))
    assert result.notes == ()
    assert result.removed == {}


def test_cleaning_twice_changes_nothing_more() -> None:
    once = clean_scan(together(PERSON, plate(2.0, -0.004, 60, 0.001))).mesh
    twice = clean_scan(once)
    np.testing.assert_array_equal(twice.mesh.faces, once.faces)
    assert twice.notes == ()


@pytest.mark.parametrize(
    "floor",
    [
        plate(1.2, -0.003, 60, 0.001),
        plate(3.0, -0.002, 2),
        plate(3.0, -0.02, 2, tilt_degrees=5),
        plate(2.0, -0.09, 80, 0.001, tilt_degrees=4),
        plate(2.0, 0.0, 80, 0.002),
        _turned(plate(2.0, 0.0, 80, 0.002)),
    ],
    ids=["small", "two triangles", "two tilted triangles", "tilted", "noisy at the soles", "upside down"],
)
def test_a_floor_goes_and_the_soles_stay(floor: tuple[np.ndarray, np.ndarray]) -> None:
    result = clean_scan(together(PERSON, floor))
    assert same_surface(result.mesh, PERSON, TOL_M)
    assert any("Removed a floor of" in note for note in result.notes)
    assert result.removed["floor_m2"] > 1.0


def test_a_platform_on_a_floor_goes_too() -> None:
    top, side = capsule((0, -0.3, 0), (0, -0.301, 0), 0.45, around=48, along=2), plate(3.0, -0.31, 60)
    flat = top[0].copy()
    flat[:, 1] = np.clip(flat[:, 1], -0.3, -0.001)  # a disc of a cut ball, 0.3 m high
    result = clean_scan(together(PERSON, (flat, top[1]), side))
    assert same_surface(result.mesh, PERSON, TOL_M)


@pytest.mark.parametrize("noise", [0.0, 0.001])
def test_a_floor_grown_together_with_the_feet_is_cut_at_them(noise: float) -> None:
    result = clean_scan(together(fused_post(noise)))
    radius = np.hypot(result.mesh.vertices[:, 0], result.mesh.vertices[:, 2])
    assert result.mesh.vertices[:, 1].min() < 0.012  # the foot is kept down to 12 mm and less
    assert radius.max() < 0.14 + 0.03
    assert result.mesh.vertices[:, 1].max() == pytest.approx(1.7, abs=0.02)


def test_soles_alone_are_no_floor() -> None:
    vertices, faces = PERSON
    flat = vertices.copy()
    flat[:, 1] = np.maximum(flat[:, 1], 0.03)  # the capsules' ends cut flat
    assert "floor_m2" not in clean_scan(together((flat, faces))).removed


def test_walls_and_stands_go() -> None:
    wall = plate(2.4, 0.0, 80, 0.001)
    wall = (wall[0][:, [0, 2, 1]] + [0, 1.2, -0.5], wall[1])
    stand = capsule((0.75, 0.1, 0.1), (0.75, 1.7, 0.1), 0.015)
    result = clean_scan(together(PERSON, wall, stand))
    assert same_surface(result.mesh, PERSON, TOL_M)
    assert any("Removed a wall of 5.7" in note for note in result.notes)
    assert result.removed["pole_pieces"] == 1


def test_a_stand_right_at_the_hand_goes() -> None:
    stand = capsule((0.62, 0.1, 0), (0.62, 1.7, 0), 0.015)
    assert same_surface(clean_scan(together(PERSON, stand)).mesh, PERSON, TOL_M)


def test_crumbs_go_and_are_counted() -> None:
    rng = np.random.default_rng(5)
    crumbs = []
    for _ in range(30):
        place = np.array(
            [rng.uniform(-0.9, 0.9), rng.uniform(0, 1.8), rng.choice([-1, 1]) * rng.uniform(0.2, 0.5)]
        )
        crumbs.append(capsule(place, place + 0.001, rng.uniform(0.002, 0.012), around=6, along=2))
    result = clean_scan(together(PERSON, *crumbs))
    assert same_surface(result.mesh, PERSON, TOL_M)
    assert result.removed["loose_pieces"] == 30
    assert any("30 loose pieces" in note for note in result.notes)


def test_parts_near_the_person_stay() -> None:
    hair = capsule((0.0, 1.60, -0.115), (0.0, 1.70, -0.115), 0.006)  # a lock behind the head
    eye = capsule((0.03, 1.65, 0.08), (0.03, 1.651, 0.08), 0.01)  # inside the head
    hand = capsule((0.60, 0.86, 0), (0.66, 0.78, 0), 0.04)  # cut off by occlusion, 4 cm from the arm
    mesh = together(PERSON, hair, eye, hand)
    assert len(clean_scan(mesh).mesh.faces) == len(mesh.faces)


def test_a_second_person_goes_and_is_told() -> None:
    other = (PERSON[0] * 0.95 + [1.8, 0, 0], PERSON[1])
    result = clean_scan(together(PERSON, other))
    assert same_surface(result.mesh, PERSON, TOL_M)
    assert result.removed["loose_m2"] > 0.8


def test_faces_are_turned_outward_whatever_they_were() -> None:
    vertices, faces = PERSON
    rng = np.random.default_rng(1)
    for turned in (np.ones(len(faces), bool), rng.random(len(faces)) < 0.4, np.arange(len(faces)) < 3000):
        mixed = np.where(turned[:, None], faces[:, ::-1], faces)
        result = clean_scan(together((vertices, mixed)))
        assert same_surface(result.mesh, PERSON, TOL_M)
        assert result.removed["flipped_faces"] == turned.sum()


def test_an_open_shell_is_turned_outward() -> None:
    vertices, faces = PERSON
    height = vertices[faces].mean(axis=1)[:, 1]
    open_faces = faces[(height > 0.05) & (height < 1.7)]  # no soles, no crown
    result = clean_scan(together((vertices, open_faces[:, ::-1])))
    assert result.removed["flipped_faces"] == len(open_faces)


def test_soup_becomes_the_same_surface() -> None:
    vertices, faces = PERSON
    soup = vertices[faces].reshape(-1, 3)
    soup = soup + np.random.default_rng(0).uniform(-2e-7, 2e-7, soup.shape)
    result = clean_scan(Mesh(soup, np.arange(len(soup)).reshape(-1, 3).astype(np.int32)))
    assert len(result.mesh.vertices) == len(vertices)
    np.testing.assert_allclose(result.mesh.vertices[result.mesh.faces], vertices[faces], atol=1e-6)
    assert any("Loose triangles were joined" in note for note in result.notes)


def test_doubled_and_empty_faces_go() -> None:
    vertices, faces = PERSON
    extra = np.array([[0, 0, 1], [5, 5, 5]])
    result = clean_scan(together((vertices, np.concatenate([faces, faces[:50, [1, 2, 0]], extra]))))
    assert same_surface(result.mesh, PERSON, TOL_M)
    assert result.removed == {"duplicate_faces": 50, "degenerate_faces": 2}


def test_the_order_of_faces_does_not_matter() -> None:
    scan = together(PERSON, plate(2.0, -0.002, 60, 0.001), capsule((0.75, 0.1, 0.1), (0.75, 1.7, 0.1), 0.015))
    order = np.random.default_rng(2).permutation(len(scan.faces))
    mixed = clean_scan(Mesh(scan.vertices, scan.faces[order]))
    plain = clean_scan(scan)
    assert same_surface(mixed.mesh, (plain.mesh.vertices, plain.mesh.faces), TOL_M)
    np.testing.assert_allclose(mixed.confidence, plain.confidence, atol=1e-6)


def test_confidence_falls_towards_holes_and_stays_in_range() -> None:
    vertices, faces = PERSON
    height = vertices[faces].mean(axis=1)[:, 1]
    result = clean_scan(together((vertices, faces[height < 1.7])))
    border = result.mesh.vertices[:, 1] > 1.69
    assert result.confidence[border].max() < 0.8
    assert np.median(result.confidence) == 1.0
    assert result.confidence.min() >= 0
    assert result.confidence.max() <= 1


def test_colours_follow_their_vertices_through_welding() -> None:
    vertices, faces = PERSON
    colors = np.random.default_rng(0).integers(0, 256, (len(vertices), 3)).astype(np.uint8)
    corner = faces.reshape(-1)
    scan = Mesh(
        vertices[corner], np.arange(len(corner)).reshape(-1, 3).astype(np.int32), colors=colors[corner]
    )
    result = clean_scan(scan)
    assert result.mesh.colors is not None
    np.testing.assert_array_equal(result.mesh.colors, colors[corner][result.source_vertex])


def test_a_texture_is_baked_before_its_seams_are_joined() -> None:
    vertices, faces = PERSON
    image = np.zeros((8, 8, 3), np.uint8)
    image[:4], image[4:] = [200, 0, 0], [0, 0, 200]
    upper = vertices[:, 1] > 0.9
    uvs = np.stack([np.full(len(vertices), 0.5), np.where(upper, 0.1, 0.9)], axis=1)
    scan = Mesh(vertices, faces, uvs=uvs)
    result = clean_scan(scan, Texture(image))
    assert result.mesh.uvs is None
    assert result.mesh.colors is not None
    np.testing.assert_array_equal(result.mesh.colors[upper], [[200, 0, 0]] * int(upper.sum()))
    with pytest.raises(InputError, match="no uvs"):
        bake_texture_to_vertices(Mesh(vertices, faces), Texture(image))


def test_a_scan_in_millimetres_is_refused() -> None:
    with pytest.raises(InputError, match="works in metres"):
        clean_scan(together((PERSON[0] * 1000, PERSON[1])))


def test_a_floor_without_a_person_is_refused_or_left() -> None:
    wall = plate(2.4, 0.0, 60)
    with pytest.raises(InputError, match="there is no person in it"):
        clean_scan(together((wall[0][:, [0, 2, 1]], wall[1])))


@pytest.mark.parametrize(
    "name", ["weld_tolerance_m", "min_floor_area_m2", "link_distance_m", "border_fade_m"]
)
def test_options_out_of_range_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"CleanOptions.{name} is -1; it must lie between"):
        CleanOptions(**{name: -1})


def test_switched_off_steps_are_not_done() -> None:
    scan = together(PERSON, plate(2.0, -0.002, 30), capsule((0.9, 1, 0.5), (0.9, 1.001, 0.5), 0.01))
    off = CleanOptions(fix_orientation=False, remove_floor=False, remove_walls=False, remove_pieces=False)
    assert len(clean_scan(scan, options=off).mesh.faces) == len(scan.faces)
