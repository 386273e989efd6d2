"""Cloth and hair: found by colour on every skin, and the body is kept inside of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.fit import fit_body
from bodyscan.fit.clothing import Cover, estimate_cover, under_cover
from bodyscan.fit.scan_points import ScanPoints, draw_scan_points
from bodyscan.geometry.normals import vertex_normals
from bodyscan.geometry.raycast import Raycaster
from bodyscan.reconstruct import reconstruct_scan
from bodyscan.simulate.options import RawScanOptions
from bodyscan.simulate.raw import simulate_raw_scan
from bodyscan.types import Capture, Mesh
from fit.people import person_params, scan_of, visible_mesh

SKINS = {"light": (236, 200, 180), "medium": (188, 140, 110), "dark": (84, 56, 44)}
SHIRT = ("torso", "left_upper_arm", "right_upper_arm")


@pytest.fixture(scope="module")
def model():
    return load_body_model("adult")


@pytest.fixture(scope="module")
def body(model):
    return model.pose(person_params(model, 3, pose="a")).vertices


def painted(model, body: np.ndarray, skin: tuple, shirt: tuple | None, seed: int = 0) -> ScanPoints:
    """Points of the body's visible skin, with a shirt's colour on trunk and upper arms."""
    rng = np.random.default_rng(seed)
    colors = np.tile(np.array(skin, float), (len(body), 1))
    if shirt is not None:
        colors[model.region(*SHIRT)] = shirt
    colors *= rng.normal(1, 0.05, (len(body), 1)) * rng.normal(1, 0.02, colors.shape)
    mesh = visible_mesh(model, body)
    used = np.unique(model.faces[(~model.inner)[model.faces].all(axis=1)])
    colored = Mesh(mesh.vertices, mesh.faces, colors=np.clip(colors[used], 0, 255).astype(np.uint8))
    return draw_scan_points(scan_of(colored), 20_000, 0)


@pytest.mark.parametrize("skin", SKINS)
@pytest.mark.parametrize("shirt", [(40, 60, 130), (245, 245, 245), (20, 20, 22)])
def test_a_shirt_is_found_on_every_skin_by_its_colour(model, body, skin: str, shirt: tuple) -> None:
    cover = estimate_cover(model, body, painted(model, body, SKINS[skin], shirt))
    assert cover.by_color
    assert cover.vertices[model.region(*SHIRT) & ~model.inner].mean() > 0.9
    bare = model.region("left_lower_leg", "right_lower_leg", "left_hand", "right_foot")
    assert cover.vertices[bare].mean() < 0.03


@pytest.mark.parametrize("skin", SKINS)
def test_bare_skin_is_not_covered(model, body, skin: str) -> None:
    cover = estimate_cover(model, body, painted(model, body, SKINS[skin], None))
    assert cover.vertices.max() < 0.05
    assert not cover.any


def test_without_colours_only_what_stands_off_the_body_is_cover(model, body) -> None:
    bare = replace(painted(model, body, SKINS["light"], None), colors=None)
    assert estimate_cover(model, body, bare).vertices.max() < 0.05
    normals = vertex_normals(body, model.faces)
    shirt = model.region("torso")
    dressed = visible_mesh(model, body + (0.03 * shirt)[:, None] * normals)
    cover = estimate_cover(model, body, draw_scan_points(scan_of(dressed), 20_000, 0))
    assert not cover.by_color
    assert cover.vertices[shirt & ~model.inner].mean() > 0.7
    assert cover.vertices[model.region("left_lower_leg", "right_lower_leg")].mean() < 0.02


def test_hands_are_never_taken_for_gloves(model, body) -> None:
    points = painted(model, body, SKINS["medium"], (30, 120, 40))
    cover = estimate_cover(model, body, points)
    assert cover.vertices[model.region("left_hand", "right_hand")].mean() < 0.05


def test_the_slope_of_what_lies_on_the_body_is_that_of_its_neighbourhood(model, body) -> None:
    up = estimate_cover(model, body, painted(model, body, SKINS["medium"], None)).up
    trunk = model.region("torso") & ~model.inner
    own = vertex_normals(body, model.faces)[:, 1]
    assert np.abs(up).max() <= 1
    assert np.corrcoef(up[trunk], own[trunk])[0, 1] > 0.9
    assert up[trunk & (own > 0.9)].mean() > 0.6  # the shoulders


def test_skin_lies_inside_of_what_was_scanned(model, body) -> None:
    cover = Cover(np.zeros(0), np.ones(model.num_vertices), True, np.zeros(model.num_vertices))
    normals = vertex_normals(body, model.faces)

    def depth_mm(guess_mm: float) -> np.ndarray:
        skin = under_cover(model, body - guess_mm / 1e3 * normals, body, cover)
        return 1e3 * np.einsum("vc,vc->v", body - skin, normals)

    np.testing.assert_allclose(depth_mm(-4.0), 0, atol=1e-6)  # a guess outside is moved onto the scan
    np.testing.assert_allclose(depth_mm(1.0), 1.0, atol=0.01)  # tight: at most a cloth's thickness inside
    assert np.median(depth_mm(3.0)) < 2.5
    np.testing.assert_allclose(np.median(depth_mm(20.0)), 20, atol=0.01)  # cloth hangs: the body's own guess


def test_bare_skin_is_left_as_it_was_fitted(model, body) -> None:
    nothing = Cover(np.zeros(0), np.zeros(model.num_vertices), True, np.zeros(model.num_vertices))
    guess = body + np.random.default_rng(0).normal(0, 0.003, body.shape)
    np.testing.assert_array_equal(under_cover(model, guess, body, nothing), guess)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("clothing", "limit_mm"), [pytest.param("tshirt", 8.0, marks=pytest.mark.long), ("loose", 15.0)]
)
def test_the_body_under_clothes_is_nearer_to_the_truth_than_the_clothes(
    clothing: str, limit_mm: float
) -> None:
    options = RawScanOptions(seed=21, clothing=clothing, hair="short", target_faces=60_000, sex="male")
    simulated = simulate_raw_scan(options)
    scan = reconstruct_scan(Capture(simulated.mesh, source="simulated"))
    fit = fit_body(scan)
    model = load_body_model("adult")
    truth_from_scan = simulated.truth.world_from_input @ np.linalg.inv(scan.world_from_input)

    def gap_mm(vertices: np.ndarray) -> float:
        placed = vertices @ truth_from_scan[:3, :3].T + truth_from_scan[:3, 3]
        skin = simulated.truth.vertices[simulated.truth.cover == 1]
        return 1e3 * float(Raycaster(visible_mesh(model, placed)).closest(skin)[0].mean())

    assert gap_mm(fit.skin.vertices) < min(limit_mm, gap_mm(fit.surface.vertices) + 0.5)
    covered = simulated.truth.cover == 1
    assert fit.clothing[covered].mean() > 0.85
    assert fit.clothing[(simulated.truth.cover == 0) & ~model.inner].mean() < 0.15
