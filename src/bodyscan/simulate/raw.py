"""A raw scan of a known person, as a scanner would write it, with the truth beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.body.asset import load_body_model
from bodyscan.body.model import BodyModel, PosedBody
from bodyscan.geometry.normals import vertex_normals
from bodyscan.simulate.faults import (
    add_crumbs,
    add_noise,
    cut_holes,
    duplicate_vertices,
    flip_patches,
    hole_centres,
)
from bodyscan.simulate.file_frame import draw_world_from_input
from bodyscan.simulate.options import RawScanOptions
from bodyscan.simulate.people import plausible_betas
from bodyscan.simulate.posing import scan_pose
from bodyscan.simulate.scanner import scan_scene
from bodyscan.simulate.scene import build_scene
from bodyscan.simulate.smooth_noise import smooth_noise_vectors
from bodyscan.types import F64, U8, BodyParams, Mesh

EXTRA_WAVES_M = (0.12, 0.5)
"""Longer than a muscle, shorter than a limb: no component of a body model can follow."""
DETAIL = (
    "head", "left_hand", "right_hand", "left_foot", "right_foot", "left_eye", "right_eye", "teeth", "tongue",
)  # fmt: skip
DETAIL_SHARE = 0.25
"""Head, hands and feet get this share of the extra shape: millimetres are much there."""


@dataclass(frozen=True, eq=False)
class ScanTruth:
    """What is true about the scanned person, in the world frame: metres, +Y up, facing +Z, soles at Y = 0."""

    params: BodyParams
    """Of the body model; these leave out the extra shape."""
    vertices: F64
    """(V, 3) float64, the true skin in the scanned pose on the body's topology, extra shape included."""
    outer: F64
    """(V, 3) float64, the same pushed out to cloth and hair where they cover it."""
    cover: U8
    """(V,) 0 skin, 1 cloth, 2 hair."""
    joints: F64
    """(J, 3) float64."""
    world_from_input: F64
    """(4, 4) float64, takes the file's coordinates to the world frame."""
    extra_mm: F64
    """(V,) float64, length of the extra shape."""
    skin_tone: int
    """1..10, Monk Skin Tone."""


@dataclass(frozen=True, eq=False)
class SimulatedScan:
    """A simulated raw scan with the truth behind it."""

    mesh: Mesh
    """In the file's unit and axes."""
    truth: ScanTruth
    options: RawScanOptions
    model_name: str
    joint_names: tuple[str, ...]

    def world_mesh(self) -> Mesh:
        """The scan in the world frame."""
        transform = self.truth.world_from_input
        vertices = self.mesh.vertices @ transform[:3, :3].T + transform[:3, 3]
        return Mesh(vertices, self.mesh.faces, colors=self.mesh.colors)


def simulate_raw_scan(options: RawScanOptions | None = None) -> SimulatedScan:
    """Scan a person who does not exist. The same options give the same arrays.

    Each part of the person draws from a stream of its own, so that another hair cut leaves the body as it is.
    """
    options = options or RawScanOptions()
    model = load_body_model(options.age)
    names = ("body", "extra", "pose", "looks", "camera", "noise", "holes", "crumbs", "winding", "frame")
    seeds = np.random.SeedSequence(options.seed).spawn(len(names))
    streams = {name: np.random.default_rng(seed) for name, seed in zip(names, seeds, strict=True)}
    params, posed, skin, rest, extra = posed_person(streams, model, options)
    scene = build_scene(streams["looks"], model, posed, skin, rest, options)
    surface = scene.outer[~model.inner]
    mesh = scan_scene(streams["camera"], scene.mesh, surface, options)
    joints = dict(zip(model.joint_names, posed.joints, strict=True))
    mesh = cut_holes(streams["holes"], mesh, hole_centres(joints, surface), options)
    mesh = add_noise(streams["noise"], mesh, options)
    mesh = add_crumbs(streams["crumbs"], mesh, options.crumbs)
    mesh = flip_patches(streams["winding"], mesh, options.flipped_share)
    mesh = duplicate_vertices(streams["winding"], mesh, options.duplicate_share)
    world_from_input = draw_world_from_input(streams["frame"], options)
    truth = ScanTruth(
        params, skin, scene.outer, scene.cover, posed.joints, world_from_input, extra, scene.skin_tone
    )
    return SimulatedScan(_to_file(mesh, world_from_input), truth, options, model.name, model.joint_names)


def posed_person(
    streams: dict[str, np.random.Generator], model: BodyModel, options: RawScanOptions
) -> tuple[BodyParams, PosedBody, F64, F64, F64]:
    """Parameters, pose, true posed skin (V, 3), true unposed skin (V, 3), length of the extra shape (V,)."""
    betas = plausible_betas(
        streams["body"], model, height_m=options.height_m, sex=options.sex, build=options.build,
        spread=options.shape_spread,
    )  # fmt: skip
    pose = scan_pose(streams["pose"], model, betas, options)
    rest = model.rest_vertices(betas)
    extra = _extra_shape(streams["extra"], model, rest, options.extra_shape_mm / 1000)
    outside = ~model.inner
    posed = model.pose(BodyParams(betas, pose, np.zeros(3)))
    skin = model.skin(rest + extra, posed.world_from_rest)
    middle = (skin[outside].min(axis=0) + skin[outside].max(axis=0)) / 2
    shift = np.array([-middle[0], -skin[outside, 1].min(), -posed.joints[0, 2]])
    params = BodyParams(betas, pose, shift)
    return params, model.pose(params), skin + shift, rest + extra, np.linalg.norm(extra, axis=1) * 1000


def _extra_shape(rng: np.random.Generator, model: BodyModel, rest: F64, size_m: float) -> F64:
    """(V, 3) metres: a smooth field in space, mostly along the normal, that no component holds."""
    field = smooth_noise_vectors(rng, rest, EXTRA_WAVES_M)
    normals = vertex_normals(rest, model.faces)
    along = np.einsum("vk,vk->v", field, normals)
    field = 1.2 * along[:, None] * normals + 0.3 * field
    detail = model.region(*DETAIL)
    share = np.where(detail, DETAIL_SHARE, 1.0)
    share = _blurred(model, share, 25)
    field *= share[:, None]
    outside = ~model.inner
    rms = float(np.sqrt((field[outside & ~detail] ** 2).sum(axis=1).mean()))
    return field * (size_m / rms)


def _blurred(model: BodyModel, values: F64, steps: int) -> F64:
    from bodyscan.simulate.surface import neighbour_mean

    mean = neighbour_mean(model.faces, model.num_vertices)
    for _ in range(steps):
        values = 0.5 * values + 0.5 * (mean @ values)
    return values


def _to_file(mesh: Mesh, world_from_input: F64) -> Mesh:
    inverse = np.linalg.inv(world_from_input)
    vertices = mesh.vertices @ inverse[:3, :3].T + inverse[:3, 3]
    return Mesh(vertices, mesh.faces, colors=mesh.colors)
