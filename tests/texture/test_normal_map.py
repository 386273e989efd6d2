"""Relief: right sign, right height, nothing where there is only noise, the same however the person stands."""

from __future__ import annotations

import numpy as np

from bodyscan.geometry.normals import vertex_normals
from bodyscan.geometry.rotations import rotvec_to_matrix
from bodyscan.geometry.tangents import vertex_tangents
from bodyscan.simulate.surface import fine_topology, round_positions
from bodyscan.texture.normal_map import encoded, relief, vertex_noise_m
from bodyscan.texture.sample import Correspondence, find_on_mesh
from bodyscan.texture.texels import Texels, body_texels
from bodyscan.types import Mesh
from texture.scans import MODEL, SURFACE, dense_body, dense_normals, scan_of

SIZE = 1024
WAVE_M = 0.016
HEIGHT_M = 0.0004
TEXELS = body_texels(MODEL, SIZE)
TORSO = MODEL.region("torso")[MODEL.faces].all(axis=1)[TEXELS.triangle]


def _baked(
    vertices: np.ndarray, surface: np.ndarray = SURFACE, noise_mm: float | None = 0.0
) -> np.ndarray | None:
    scan = scan_of(Mesh(vertices, dense_body()[1]))
    ids = np.flatnonzero(TORSO)
    normals = TEXELS.normals(vertex_normals(surface, MODEL.faces))[ids]
    there = find_on_mesh(scan, TEXELS.points(surface)[ids], normals, 0.02)
    return relief(MODEL, TEXELS, surface, scan, _spread_out(there), noise_mm)


def _spread_out(there: Correspondence) -> Correspondence:
    """What was found at the trunk's texels, for all texels."""
    face_ids, shares = np.full(len(TEXELS), -1, np.int32), np.zeros((len(TEXELS), 3), np.float32)
    weight = np.zeros(len(TEXELS), np.float32)
    face_ids[TORSO], shares[TORSO], weight[TORSO] = there.face_ids, there.shares, there.weight
    return Correspondence(face_ids, shares, weight)


def _bumps() -> np.ndarray:
    """The body with waves that run up its surface."""
    vertices = dense_body()[0]
    height = HEIGHT_M * np.cos(2 * np.pi * vertices[:, 1] / WAVE_M)
    return vertices + height[:, None] * dense_normals()


def _expected(texels: Texels) -> np.ndarray:
    """(T, 2) slopes towards tangent and bitangent of these waves: minus the gradient of the height."""
    normals = vertex_normals(SURFACE, MODEL.faces)
    points, normal = texels.points(SURFACE), texels.normals(normals)
    rise = HEIGHT_M * 2 * np.pi / WAVE_M * np.sin(2 * np.pi * points[:, 1] / WAVE_M)
    gradient = rise[:, None] * (np.array([0, 1.0, 0]) - normal[:, 1:2] * normal)
    source = MODEL.split_source
    frame = texels.interpolate(
        vertex_tangents(SURFACE[source], MODEL.split_faces, MODEL.split_uvs, normals[source])
    )
    across = np.cross(normal, frame[:, :3]) * np.sign(frame[:, 3:])
    return np.stack([np.einsum("tc,tc->t", gradient, axis) for axis in (frame[:, :3], across)], axis=1)


def test_known_bumps_come_back_with_sign_and_height() -> None:
    got, without = _baked(_bumps()), _baked(dense_body()[0])
    assert got is not None
    assert without is not None
    # Without bumps the scan shows the edges of the triangles that it was cut from: they are not asked about.
    slopes = (got[TORSO].astype(float) - without[TORSO])[:, :2] / 127.5
    wanted = _expected(TEXELS)[TORSO]
    gain = (slopes * wanted).sum() / (wanted**2).sum()
    assert 0.7 < gain < 1.1
    assert np.corrcoef(slopes.ravel(), wanted.ravel())[0, 1] > 0.95


def test_turning_the_person_changes_nothing() -> None:
    turn = rotvec_to_matrix(np.array([0.4, -1.1, 0.7]))
    move = np.array([0.3, -0.2, 0.5])
    plain = _baked(_bumps())
    turned = _baked(_bumps() @ turn.T + move, SURFACE @ turn.T + move)
    assert plain is not None
    assert turned is not None
    difference = np.abs(plain.astype(int) - turned)[TORSO]
    assert np.percentile(difference, 99) <= 2  # steps of 1/127


def test_a_smooth_scan_gives_a_flat_map() -> None:
    topology = fine_topology(MODEL, 2)
    rounded = Mesh(round_positions(topology, SURFACE), topology.faces)
    ids, normals = np.flatnonzero(TORSO), TEXELS.normals(vertex_normals(SURFACE, MODEL.faces))
    there = find_on_mesh(scan_of(rounded), TEXELS.points(SURFACE)[ids], normals[ids], 0.02)
    got = relief(MODEL, TEXELS, SURFACE, scan_of(rounded), _spread_out(there), 0.0)
    assert got is not None
    lean = np.linalg.norm(got[TORSO][:, :2].astype(float) / 127.5 - 1, axis=1)
    assert lean.mean() < 0.04  # radians


def test_a_noisy_coarse_scan_gives_no_orange_peel() -> None:
    rng = np.random.default_rng(0)
    vertices = SURFACE + 0.002 * rng.normal(size=(len(SURFACE), 1)) * vertex_normals(SURFACE, MODEL.faces)
    scan = scan_of(Mesh(vertices, MODEL.faces))
    found = Correspondence(TEXELS.triangle, TEXELS.barycentric, np.ones(len(TEXELS), np.float32))
    assert relief(MODEL, TEXELS, SURFACE, scan, found) is None
    dense = dense_body()[0] + 0.0005 * rng.normal(size=(len(dense_body()[0]), 1)) * dense_normals()
    got = _baked(dense, noise_mm=None)
    if got is not None:
        lean = np.linalg.norm(got[TORSO][:, :2].astype(float) / 127.5 - 1, axis=1)
        assert lean.mean() < 0.04  # radians


def test_the_noise_of_a_mesh_is_seen() -> None:
    rng = np.random.default_rng(1)
    vertices, faces, _ = dense_body()
    noisy = vertices + 0.0008 * rng.normal(size=(len(vertices), 1)) * dense_normals()
    used = np.unique(faces)
    place = np.zeros(len(vertices), np.int64)
    place[used] = np.arange(len(used))
    assert 0.0006 < vertex_noise_m(noisy[used], place[faces]) < 0.0010  # metres
    assert vertex_noise_m(vertices[used], place[faces]) < 0.0001


def test_no_slope_is_the_colour_that_gltf_reads_as_flat() -> None:
    flat, right, up = encoded(np.array([[0, 0], [1, 0], [0, 1]], np.float32))
    assert flat.tolist() == [128, 128, 255]
    assert right[0] > 200
    assert right[1] == 128
    assert up[1] > 200
    assert up[0] == 128
