from __future__ import annotations

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.errors import InputError
from bodyscan.geometry.normals import vertex_normals
from bodyscan.twin.colors import bake_vertex_colors, neutral_colors
from bodyscan.types import Mesh, ScanMesh, Texture
from rig.people import fitted_person

MODEL = load_body_model("adult")
SURFACE = fitted_person(1).surface.vertices
HIDDEN = MODEL.inner | MODEL.region("left_eye", "right_eye", "teeth", "tongue")
NO_FACES = np.zeros((0, 3), np.int32)


def _scan(mesh: Mesh, texture: Texture | None = None) -> ScanMesh:
    return ScanMesh(mesh, np.ones(len(mesh.vertices), np.float32), texture)


def _stripes() -> np.ndarray:
    """Skin that grows redder upwards."""
    height = SURFACE[:, 1]
    share = (height - height.min()) / np.ptp(height)
    return np.stack([80 + 150 * share, np.full(len(share), 120), 200 - 120 * share], axis=1).astype(np.uint8)


def test_a_coloured_mesh_gives_its_own_colours_back():
    colors = _stripes()
    got = bake_vertex_colors(MODEL, SURFACE, _scan(Mesh(SURFACE, MODEL.faces, colors=colors)))
    difference = np.abs(got.astype(int) - colors)[~HIDDEN]
    assert difference.mean() < 1
    assert np.percentile(difference, 99) < 6


def test_a_cloud_and_a_texture_do_too():
    colors = _stripes()
    cloud = bake_vertex_colors(MODEL, SURFACE, _scan(Mesh(SURFACE, NO_FACES, colors=colors)))
    assert np.abs(cloud.astype(int) - colors)[~HIDDEN].mean() < 1
    height = (SURFACE[:, 1] - SURFACE[:, 1].min()) / np.ptp(SURFACE[:, 1])
    uvs = np.stack([np.full(len(height), 0.5), height], axis=1).astype(np.float32)
    ramp = np.linspace(0, 1, 256)
    row = np.stack([80 + 150 * ramp, np.full(256, 120), 200 - 120 * ramp], axis=1)
    texture = Texture(np.repeat(row[:, None], 4, axis=1).astype(np.uint8))
    baked = bake_vertex_colors(MODEL, SURFACE, _scan(Mesh(SURFACE, MODEL.faces, uvs=uvs), texture))
    assert np.abs(baked.astype(int) - colors)[~HIDDEN].mean() < 2


def test_holes_are_filled_from_around_and_never_black():
    colors = _stripes()
    centre = SURFACE[MODEL.region("torso")].mean(axis=0)
    hole = np.linalg.norm(SURFACE - centre, axis=1) < 0.22
    soles = SURFACE[:, 1] < SURFACE[:, 1].min() + 0.02
    faces = MODEL.faces[~(hole | soles)[MODEL.faces].any(axis=1)]
    got = bake_vertex_colors(MODEL, SURFACE, _scan(Mesh(SURFACE, faces, colors=colors)))
    difference = np.abs(got.astype(int) - colors)[(hole | soles) & ~HIDDEN]
    assert difference.mean() < 15
    assert got[~HIDDEN].min() > 60


def test_the_inside_of_a_shell_lends_no_colour():
    """Before the torso's hole hangs a red lining that looks inwards: the torso stays as green as the rest."""
    green = np.tile(np.array([40, 180, 40], np.uint8), (len(SURFACE), 1))
    red = np.tile(np.array([200, 40, 40], np.uint8), (len(SURFACE), 1))
    inside = SURFACE + 0.008 * vertex_normals(SURFACE, MODEL.faces)
    torso = MODEL.region("torso")[MODEL.faces].all(axis=1)
    faces = np.concatenate([MODEL.faces[~torso], MODEL.faces[torso][:, ::-1] + len(SURFACE)])
    mesh = Mesh(np.concatenate([SURFACE, inside]), faces, colors=np.concatenate([green, red]))
    got = bake_vertex_colors(MODEL, SURFACE, _scan(mesh)).astype(int)
    assert (np.abs(got - green).max(axis=1) <= 40)[~HIDDEN].mean() > 0.99


def test_eyes_and_teeth_are_pale_and_the_iris_is_dark():
    for colors in (
        neutral_colors(MODEL),
        bake_vertex_colors(MODEL, SURFACE, _scan(Mesh(SURFACE, MODEL.faces, colors=_stripes()))),
    ):
        eye = colors[MODEL.region("left_eye")].astype(int).sum(axis=1)
        assert (eye > 600).sum() > 20
        assert 1 <= (eye < 350).sum() < 30
        assert colors[MODEL.region("teeth")].min() > 190
        tongue = colors[MODEL.region("tongue")].mean(axis=0)
        assert tongue[0] > tongue[1] + 40


def test_a_scan_without_colour_is_refused():
    with pytest.raises(InputError, match="neither vertex colours nor a texture"):
        bake_vertex_colors(MODEL, SURFACE, _scan(Mesh(SURFACE, MODEL.faces)))


def test_a_scan_of_somewhere_else_is_refused():
    far = Mesh(SURFACE + 5.0, MODEL.faces, colors=_stripes())
    with pytest.raises(InputError, match="No coloured part of the scan lies within 30 mm"):
        bake_vertex_colors(MODEL, SURFACE, _scan(far))
