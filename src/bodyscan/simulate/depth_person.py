"""A dressed person whose whole visible surface can be put into other poses.

The person is dressed once, in the reference pose. Skin, cloth and hair are then moved together by linear
blend skinning: each visible vertex with the weights of the body's vertices that it was made from, hanging
hair with those of the body beside it. So the moved surface is the truth itself, not an approximation of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.spatial import ConvexHull, KDTree

from bodyscan.body.asset import load_body_model
from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.geometry.srgb import linear_from_srgb
from bodyscan.geometry.weld import used_vertices
from bodyscan.simulate.depth_motion import breath_field
from bodyscan.simulate.options import RawScanOptions
from bodyscan.simulate.raw import posed_person
from bodyscan.simulate.scene import CLOTH, HAIR, build_scene
from bodyscan.simulate.surface import fine_topology
from bodyscan.types import F64, I32, U8, BodyParams, Mesh

BESIDE = 8
"""Body vertices that a vertex of the hanging hair is moved with."""
SKIN_INFRARED = 0.55
"""Skin of every tone reflects about half of the light near 850 nm: melanin absorbs little there (Anderson and
Parrish 1981, "The optics of human skin")."""


@dataclass(frozen=True, eq=False)
class MovingPerson:
    """A dressed person; the body's vertices are counted V, the visible surface's N, joints J."""

    options: RawScanOptions
    model: BodyModel
    params: BodyParams
    """The reference pose: that of `simulate_raw_scan` with the same options. Soles at Y = 0, facing +Z."""
    faces: I32
    """(F, 3) int32 of the visible surface."""
    colors: U8
    """(N, 3) uint8 sRGB, the reference pose's light baked in."""
    infrared: F64
    """(N,) 0..1, share of near infrared light that comes back from the surface."""
    cover: U8
    """(V,) 0 skin, 1 cloth, 2 hair."""
    skin_tone: int
    rest: F64
    """(V, 3) metres, the unposed skin, extra shape included."""
    rest_outer: F64
    """(V, 3) metres, the unposed skin pushed out to cloth and hair."""
    rest_surface: F64
    """(N, 3) metres, the visible surface, unposed."""
    from_body: sparse.csr_matrix
    """(N, V) rows sum to 1: which body vertices move each vertex of the surface."""
    breath: F64
    """(V, 3) the way of the unposed skin when the chest goes out by 1."""

    @cached_property
    def outline(self) -> F64:
        """(M, 3) metres, the corners of the convex hull of the visible surface in the reference pose."""
        return self.still[ConvexHull(self.still).vertices]

    @cached_property
    def still(self) -> F64:
        """(N, 3) metres, the visible surface in the reference pose."""
        return self.surface(self.params)

    def surface(self, params: BodyParams, breath_m: float = 0.0) -> F64:
        """(N, 3) metres, the visible surface at a pose of the body; `breath_m` as in `Motion`."""
        rest = self.rest_surface
        if breath_m:
            rest = rest + breath_m * (self.from_body @ self.breath)
        return _moved(self.from_body @ self._blended(params), rest)

    def skin(self, params: BodyParams, breath_m: float = 0.0) -> F64:
        """(V, 3) metres, the true skin on the body's topology."""
        return _moved(self._blended(params), self.rest + breath_m * self.breath)

    def outer(self, params: BodyParams, breath_m: float = 0.0) -> F64:
        """(V, 3) metres, the same pushed out to cloth and hair."""
        return _moved(self._blended(params), self.rest_outer + breath_m * self.breath)

    def mesh(self, vertices: F64) -> Mesh:
        """The visible surface with the given vertices (N, 3), and its colours."""
        return Mesh(vertices, self.faces, colors=self.colors)

    def _blended(self, params: BodyParams) -> F64:
        """(V, 12) the transform that skinning applies to each body vertex."""
        return self.model.skin_weights @ self.model.pose(params).world_from_rest.reshape(-1, 12)


def moving_person(options: RawScanOptions) -> MovingPerson:
    """Dress the person whom `simulate_raw_scan` scans with the same options, ready to move.

    Of `options` everything about the person counts, and nothing about a scanner or its file. Raises
    `InputError` for a floor or a pole: these belong to the depth rig.
    """
    if options.floor != "none" or options.pole:
        raise InputError(
            "RawScanOptions.floor and pole are not for depth captures; give DepthRigOptions.background."
        )
    model = load_body_model(options.age)
    names = ("body", "extra", "pose", "looks")  # the first streams of `simulate_raw_scan`, in its order
    seeds = np.random.SeedSequence(options.seed).spawn(len(names))
    streams = {name: np.random.default_rng(seed) for name, seed in zip(names, seeds, strict=True)}
    params, posed, skin, rest, _ = posed_person(streams, model, options)
    scene = build_scene(streams["looks"], model, posed, skin, rest, options)
    fine = fine_topology(model).from_body
    covers = np.stack([scene.cover == kind for kind in (CLOTH, HAIR)], axis=1).astype(np.float64)
    cloth, hair = (fine @ covers).T
    if scene.hanging is not None:
        beside = _beside(skin, ~model.inner, scene.hanging.vertices)
        fine = sparse.csr_matrix(sparse.vstack([fine, beside]))
        hung = len(scene.hanging.vertices)
        cloth, hair = np.append(cloth, np.zeros(hung)), np.append(hair, np.ones(hung))
    used, faces = used_vertices(scene.mesh.faces, len(scene.mesh.vertices))
    fine, colors = sparse.csr_matrix(fine[used]), np.asarray(scene.mesh.colors)[used]
    blended = model.skin_weights @ posed.world_from_rest.reshape(-1, 12)
    return MovingPerson(
        options=options, model=model, params=params, faces=faces, colors=colors,
        infrared=_infrared(colors, cloth[used], hair[used]),
        cover=scene.cover, skin_tone=scene.skin_tone, rest=rest,
        rest_outer=_unmoved(blended, scene.outer),
        rest_surface=_unmoved(fine @ blended, scene.mesh.vertices[used]),
        from_body=fine, breath=breath_field(model, rest),
    )  # fmt: skip


def _infrared(colors: U8, cloth: F64, hair: F64) -> F64:
    """(N,) share of near infrared light that comes back; cloth and hair by how bright they look.

    Dyes are mostly clear in the near infrared, dark hair is not (what time-of-flight cameras lose first).
    """
    bright = linear_from_srgb(colors).astype(np.float64).mean(axis=1)
    return (1 - cloth - hair) * SKIN_INFRARED + cloth * (0.25 + 0.55 * bright) + hair * (0.04 + 0.6 * bright)


def _beside(skin: F64, outside: np.ndarray, points: F64) -> sparse.csr_matrix:
    """(M, V) the mean over the body vertices nearest to each point."""
    ids = np.flatnonzero(outside)
    nearest = ids[KDTree(skin[ids]).query(points, k=BESIDE)[1]]
    rows = np.repeat(np.arange(len(points)), BESIDE)
    values = np.full(nearest.size, 1 / BESIDE)
    return sparse.csr_matrix((values, (rows, nearest.reshape(-1))), (len(points), len(skin)))


def _moved(blended: F64, rest: F64) -> F64:
    transform = blended.reshape(-1, 3, 4)
    return (transform[:, :, :3] @ rest[:, :, None])[:, :, 0] + transform[:, :, 3]


def _unmoved(blended: F64, posed: F64) -> F64:
    transform = blended.reshape(-1, 3, 4)
    return np.linalg.solve(transform[:, :, :3], (posed - transform[:, :, 3])[:, :, None])[:, :, 0]
