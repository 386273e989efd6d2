"""The body's visible surface, finer and rounder than its own triangles, with the places on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from bodyscan.body.model import BodyModel
from bodyscan.geometry.normals import vertex_normals
from bodyscan.simulate.people import reference_template
from bodyscan.types import F64, I32

ROUNDNESS = 0.3


@dataclass(frozen=True, eq=False)
class FineTopology:
    """The body without its inner parts, each triangle cut into 16."""

    steps: tuple[tuple[I32, I32], ...]
    """For each cut: edges (E, 2) whose middles become new vertices, and the faces (F, 3) after it."""
    base_faces: I32
    """(F0, 3) the visible faces of the body."""
    from_body: sparse.csr_matrix
    """(N, V) rows sum to 1: takes values at body vertices to fine vertices."""

    @property
    def faces(self) -> I32:
        """(F, 3) int32."""
        return self.steps[-1][1]


def fine_topology(model: BodyModel, cuts: int = 2) -> FineTopology:
    """The body's outer faces, each cut in four `cuts` times, with the matrix that places the new vertices."""
    faces = model.faces[~model.inner[model.faces].all(axis=1)]
    base, count, steps = faces, model.num_vertices, []
    matrix = sparse.csr_matrix(sparse.identity(count))
    for _ in range(cuts):
        edges, faces = _cut(faces, count)
        rows = np.repeat(np.arange(len(edges)), 2)
        middles = sparse.csr_matrix(
            (np.full(2 * len(edges), 0.5), (rows, edges.reshape(-1))), (len(edges), count)
        )
        matrix = sparse.csr_matrix(sparse.vstack([matrix, middles @ matrix]))
        count += len(edges)
        steps.append((edges, faces))
    return FineTopology(tuple(steps), base, matrix)


def round_positions(topology: FineTopology, vertices: F64) -> F64:
    """(V, 3) -> (N, 3): the body's vertices stay, new ones lie on the curved surface through them.

    Phong tessellation (Boubekeur and Alexa 2008): a middle moves towards its projections on the tangent
    planes of both ends.
    """
    faces = topology.base_faces
    for edges, finer in topology.steps:
        normals = vertex_normals(vertices, faces)
        a, b = vertices[edges[:, 0]], vertices[edges[:, 1]]
        middle = (a + b) / 2
        shift = np.zeros_like(middle)
        for end, normal in ((a, normals[edges[:, 0]]), (b, normals[edges[:, 1]])):
            shift -= 0.5 * np.einsum("ek,ek->e", middle - end, normal)[:, None] * normal
        # At a sharp edge the two tangent planes say nothing about the surface between.
        flat = np.einsum("ek,ek->e", normals[edges[:, 0]], normals[edges[:, 1]]).clip(0, 1)[:, None]
        vertices = np.concatenate([vertices, middle + ROUNDNESS * flat * shift])
        faces = finer
    return vertices


def _cut(faces: I32, count: int) -> tuple[I32, I32]:
    pairs = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1).astype(np.int64)
    keys, inverse = np.unique(pairs[:, 0] * count + pairs[:, 1], return_inverse=True)
    edges = np.stack([keys // count, keys % count], axis=1).astype(np.int32)
    ab, bc, ca = (inverse.reshape(-1, 3) + count).T
    a, b, c = faces.T
    finer = np.stack([a, ab, ca, ab, b, bc, ca, bc, c, ab, bc, ca], axis=1).reshape(-1, 3)
    return edges, finer.astype(np.int32)


def neighbour_mean(faces: I32, count: int) -> sparse.csr_matrix:
    """(V, V) sparse: the mean over each vertex's neighbours; itself where it has none."""
    edges = np.unique(np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1), axis=0)
    both = np.concatenate([edges, edges[:, ::-1]])
    matrix = sparse.csr_matrix((np.ones(len(both)), (both[:, 0], both[:, 1])), (count, count))
    degree = np.asarray(matrix.sum(axis=1)).reshape(-1)
    lonely = sparse.diags((degree == 0).astype(np.float64))
    return (sparse.diags(1 / np.maximum(degree, 1)) @ matrix + lonely).tocsr()


@dataclass(frozen=True, eq=False)
class Places:
    """Where each fine vertex lies on a body, whoever's body it is: positions on the adult's mean body."""

    points: F64
    """(N, 3) metres on the adult's mean body, unposed."""
    normals: F64
    """(N, 3) there."""
    arm: F64
    """(N,) 0..1, upper and lower arms."""
    hand: F64
    foot: F64
    leg: F64
    head: F64
    """(N,) 0..1."""
    eye: F64
    """(N,) 0..1, the eyeballs."""
    joints: dict[str, F64]
    """Joint name -> (3,) on the adult's mean body."""
    seam: F64
    """(K, 3) the line between the lips."""


def places_on(model: BodyModel, topology: FineTopology, joints: F64) -> Places:
    """`joints` (J, 3): those of the adult's mean body."""
    template = reference_template(model)
    to_fine = topology.from_body

    def share(*names: str) -> F64:
        return to_fine @ model.region(*names).astype(np.float64)

    def both(part: str) -> tuple[str, str]:
        return f"left_{part}", f"right_{part}"

    rounded = round_positions(topology, template)
    named = {name: joints[j] for j, name in enumerate(model.joint_names)}
    return Places(
        points=rounded,
        normals=vertex_normals(rounded, topology.faces),
        arm=share(*both("upper_arm"), *both("lower_arm")),
        hand=share(*both("hand")),
        foot=share(*both("foot")),
        leg=share(*both("upper_leg"), *both("lower_leg")),
        head=share("head", *both("eye")),
        eye=share(*both("eye")),
        joints=named,
        seam=_lip_seam(model, template, named),
    )


def _lip_seam(model: BodyModel, template: F64, joints: dict[str, F64]) -> F64:
    """Visible vertices next to the mouth's inside."""
    table = model.faces[np.ptp(model.inner[model.faces].astype(int), axis=1) > 0]
    beside = np.unique(table)
    beside = beside[~model.inner[beside]]
    return template[beside][template[beside, 1] < joints["leftEye"][1] - 0.03]
