"""A person's own surface for a template: on the scan, without bias, in any pose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bodyscan.fit.sequence_detail import detailed_model
from bodyscan.fit.sequence_terms import _between_planes
from bodyscan.geometry.normals import vertex_normals
from bodyscan.geometry.raycast import Raycaster
from bodyscan.types import Mesh, ScanMesh
from reconstruct.depth_rings import body_model, person


def scan_of(offset_m: float) -> ScanMesh:
    """The person's skin, everywhere `offset_m` outside of the model's."""
    model = body_model()
    vertices = model.pose(person()).vertices
    grown = vertices + offset_m * vertex_normals(vertices, model.faces)
    faces = model.faces[~model.inner[model.faces].any(axis=1)]
    return ScanMesh(Mesh(grown, faces), np.ones(len(grown), np.float32))


def test_the_template_lies_on_the_scan():
    model = body_model()
    scan = scan_of(0.004)
    own = detailed_model(model, person(), scan)
    posed = own.pose(person()).vertices[~model.inner]
    distance = Raycaster(scan.mesh).closest(posed)[0]
    assert np.median(distance) < 0.0004  # metres
    signed = Raycaster(scan_of(0.0).mesh).closest(posed)[0]
    assert abs(np.median(signed) - 0.004) < 0.0004


def test_it_follows_into_other_poses():
    model = body_model()
    own = detailed_model(model, person(), scan_of(0.004))
    moved = replace(person(), translation=np.array([0.3, 0.0, 0.0]))
    np.testing.assert_allclose(
        own.pose(moved).vertices, own.pose(person()).vertices + np.array([0.3, 0, 0]), atol=1e-6
    )


def test_regions_can_keep_the_models_surface():
    model = body_model()
    own = detailed_model(model, person(), scan_of(0.004), but=("left_hand", "right_hand"))
    change = np.linalg.norm(own.template - model.template, axis=1)
    far = model.region("left_lower_arm")
    hand = model.region("left_hand")
    tips = hand & (model.template[:, 0] > np.percentile(model.template[hand, 0], 60))
    assert np.median(change[tips]) < 1e-6
    assert np.median(change[far]) > 0.003


def test_two_points_of_one_round_surface_are_not_apart():
    """On a cylinder of 5 cm radius, 2 cm from one another."""
    angle, radius = 0.4, 0.05
    one, other = np.array([[0.0, 1.0, 0.0]]), np.array([[np.sin(angle), np.cos(angle), 0.0]])
    gap = radius * (other - one)
    assert abs(_between_planes(gap, one, other)[0]) < 1e-9
    assert abs((gap * one).sum()) > 0.003  # metres: what one normal alone would say
