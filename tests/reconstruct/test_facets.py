"""Faces that are measured once keep the measures of a fresh start."""

from __future__ import annotations

import numpy as np
import trimesh

from bodyscan.geometry.components import face_components
from bodyscan.geometry.normals import areas_and_normals
from bodyscan.geometry.winding import consistent_flips
from bodyscan.reconstruct import facets as module
from bodyscan.reconstruct.facets import Facets

SPHERE = trimesh.creation.icosphere(subdivisions=3)
V, F = np.array(SPHERE.vertices), np.array(SPHERE.faces)


def same(facets: Facets) -> None:
    fresh = Facets(facets.vertices, facets.faces)
    for name in ("areas", "normals", "centres"):
        np.testing.assert_array_equal(getattr(facets, name), getattr(fresh, name))
    areas, normals = areas_and_normals(facets.vertices, facets.faces)
    np.testing.assert_array_equal(facets.areas, areas)
    np.testing.assert_array_equal(facets.normals, normals)


def test_what_is_kept_or_turned_is_measured_right(monkeypatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 100)
    facets, random = Facets(V, F), np.random.default_rng(0)
    same(facets)
    facets.turn(random.random(len(F)) < 0.1)
    same(facets)
    facets.keep(random.random(len(F)) < 0.7)
    same(facets)
    corners = V[facets.faces]
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
    np.testing.assert_allclose(facets.longest_edges(), edges.max(axis=1))


def test_pieces_of_patches_are_the_pieces_of_faces() -> None:
    # Two spheres that touch in one vertex are two patches and one piece; the third stands alone.
    faces = np.concatenate([F, np.where(F == 0, 0, F + len(V)), F + 2 * len(V)])
    vertices = np.concatenate([V, V + 2.0, V + 9.0])
    facets = Facets(vertices, faces)
    _, patch = consistent_flips(facets.faces)
    assert patch.max() == 2
    facets.join_patches(patch)
    np.testing.assert_array_equal(facets.piece, face_components(faces, len(vertices)))
    np.testing.assert_array_equal(Facets(vertices, faces).piece, facets.piece)
    facets.keep(facets.piece == 1)
    assert len(facets.piece) == len(F)
    assert facets.piece.max() == 0
