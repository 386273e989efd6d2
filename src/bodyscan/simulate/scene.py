"""Everything that stands before the scanner: the dressed person, hair, floor and pole, with colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.body.asset import load_body_model
from bodyscan.body.model import BodyModel, PosedBody
from bodyscan.geometry.normals import vertex_normals
from bodyscan.geometry.raycast import Raycaster
from bodyscan.simulate.dressing import hanging_offset
from bodyscan.simulate.garments import LOOSE, OUTFITS, cloth_colors, cloth_height, inside_edge
from bodyscan.simulate.hair import cap_height, curtain, draw_hair_rgb, hair_shade, scalp_inside
from bodyscan.simulate.options import RawScanOptions
from bodyscan.simulate.skin import skin_colors
from bodyscan.simulate.smooth_noise import smoothstep
from bodyscan.simulate.surface import FineTopology, Places, fine_topology, places_on, round_positions
from bodyscan.types import F64, I32, U8, Mesh

SKIN, CLOTH, HAIR = 0, 1, 2
COVER_NAMES = ("skin", "cloth", "hair")
FLOOR_RADIUS_M, FLOOR_RGB = 0.55, (150, 150, 152)
TABLE_RADIUS_M, TABLE_HEIGHT_M, TABLE_RGB = 0.5, 0.06, (70, 72, 76)
POLE_RADIUS_M, POLE_RGB = 0.016, (120, 122, 126)
KEY_LIGHT = np.array([0.35, 0.75, 0.56])


@dataclass(frozen=True, eq=False)
class Scene:
    """The dressed person that the simulated scanner looks at."""

    mesh: Mesh
    """What the cameras see, world frame, with colours."""
    outer: F64
    """(V, 3) float64 metres: the body's vertices pushed out to cloth or hair: the true visible surface."""
    cover: U8
    """(V,) index into `COVER_NAMES`: what covers each body vertex."""
    skin_tone: int
    person: Mesh
    """The dressed person alone, rounded: skin, cloth and the hair's cap. The faces are those of
    `fine_topology`, 16 for each of its `base_faces` and in their order."""
    hanging: Mesh | None
    """The sheet of hair that hangs from the cap of `bob` and `long`, or None."""


def build_scene(
    rng: np.random.Generator,
    model: BodyModel,
    posed: PosedBody,
    skin: F64,
    rest: F64,
    options: RawScanOptions,
) -> Scene:
    """`skin` (V, 3) the true posed skin, soles at Y = 0; `rest` (V, 3) the same person unposed."""
    streams = [np.random.default_rng(int(k)) for k in rng.integers(0, 2**63, 6)]
    topology = fine_topology(model)
    places = places_on(model, topology, load_body_model("adult").joint_template)
    tone = int(rng.integers(1, 11)) if options.skin_tone is None else options.skin_tone
    hair_rgb = draw_hair_rgb(streams[0], tone)
    colors = skin_colors(streams[1], places, tone, hair_rgb)
    cover = np.zeros(len(places.points), np.uint8)
    shape, offset = round_positions(topology, skin), np.zeros(len(places.points))
    for garment in OUTFITS[options.clothing]:
        stream = np.random.default_rng(int(streams[2].integers(2**63)))
        offset, colors, cover = _dress(
            stream, model, topology, places, skin, rest, garment, offset, colors, cover
        )
    if options.hair != "bald":
        inside = scalp_inside(places)
        cap = cap_height(streams[3], places, inside, options.hair)
        offset += cap
        shade = hair_shade(streams[3], places.points, hair_rgb)
        colors += smoothstep(0.0, 0.006, inside)[:, None] * (shade - colors)
        cover[cap > 0] = HAIR
    normals = vertex_normals(shape, topology.faces)
    outer = shape + offset[:, None] * normals
    body = Mesh(outer, topology.faces)
    parts: list[tuple[F64, I32, F64]] = [(outer, topology.faces, colors)]
    hanging = _hanging_hair(streams[4], model, posed, body, options, hair_rgb)
    if hanging is not None:
        parts.append((hanging.vertices, hanging.faces, np.asarray(hanging.colors, np.float64)))
    parts += _furniture(outer, options)
    mesh = _joined(parts, options.lighting)
    count = model.num_vertices
    seen, cover = outer[:count], cover[:count]
    if hanging is not None:
        above = _depth_under(hanging, seen, normals[:count])
        under = (above > 0.001) & ~model.inner
        seen = seen + np.where(under, above, 0.0)[:, None] * normals[:count]
        cover = np.where(under, np.uint8(HAIR), cover)
    return Scene(mesh, seen, cover, tone, body, hanging)


def _depth_under(shell: Mesh, points: F64, normals: F64) -> F64:
    """(V,) metres from each point along its normal to the shell; 0 where it is farther than 60 mm."""
    distance = Raycaster(shell).cast(points, normals).distance
    return np.where(distance < 0.06, distance, 0.0)


def _dress(
    rng: np.random.Generator, model: BodyModel, topology: FineTopology, places: Places, skin: F64, rest: F64,
    garment: str, offset: F64, colors: F64, cover: U8,
) -> tuple[F64, F64, U8]:  # fmt: skip
    inside = inside_edge(garment, places)
    ground = hanging_offset(model, topology.base_faces, skin, rest, inside[: model.num_vertices], garment)
    ground = (topology.from_body @ ground) * smoothstep(0.0, 0.004 if garment in LOOSE else 0.008, inside)
    height = np.maximum(offset, ground) + cloth_height(rng, garment, places, inside)
    dyed = cloth_colors(rng, garment, places, inside)
    worn = inside > 0
    colors = colors + smoothstep(-0.0008, 0.0008, inside)[:, None] * (dyed - colors)
    return np.where(worn, height, offset), colors, np.where(worn, np.uint8(CLOTH), cover)


def _hanging_hair(
    rng: np.random.Generator,
    model: BodyModel,
    posed: PosedBody,
    body: Mesh,
    options: RawScanOptions,
    rgb: F64,
) -> Mesh | None:
    eyes = posed.joints[[model.joint_index("leftEye"), model.joint_index("rightEye")]].mean(axis=0)
    facing = posed.world_from_rest[model.joint_index("head"), :, 2] * [1, 0, 1]
    facing /= np.linalg.norm(facing)
    shoulders = posed.joints[[model.joint_index("leftShoulder"), model.joint_index("rightShoulder")], 1]
    return curtain(rng, body, eyes, facing, float(shoulders.mean()), options.hair, rgb)


def _furniture(person: F64, options: RawScanOptions) -> list[tuple[F64, I32, F64]]:
    middle = person[person[:, 1] < 0.15].mean(axis=0) * [1, 0, 1]
    found = []
    if options.floor == "disc":
        found.append(_lathe(middle, [(0.0, 0.0), (FLOOR_RADIUS_M, 0.0)], FLOOR_RGB))
    if options.floor == "turntable":
        profile = [(0.0, 0.0), (TABLE_RADIUS_M, 0.0), (TABLE_RADIUS_M, -TABLE_HEIGHT_M)]
        found.append(_lathe(middle, profile, TABLE_RGB))
    if options.pole:
        back = np.array([0.0, 0.0, person[:, 2].min() - 0.14])
        top = float(person[:, 1].max()) * 0.9
        found.append(_lathe(back, [(0.0, top), (POLE_RADIUS_M, top), (POLE_RADIUS_M, 0.0)], POLE_RGB))
    return found


def _lathe(
    middle: F64, profile: list[tuple[float, float]], rgb: tuple[int, int, int]
) -> tuple[F64, I32, F64]:
    """A surface of revolution about the vertical through `middle`; profile of (radius, height)."""
    angles = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    circle = np.stack([np.sin(angles), np.zeros_like(angles), np.cos(angles)], axis=1)
    rings = [middle + radius * circle + [0.0, height, 0.0] for radius, height in profile]
    count, faces = len(angles), []
    for ring in range(len(profile) - 1):
        a = ring * count + np.arange(count)
        b = ring * count + (np.arange(count) + 1) % count
        faces += [np.stack([a, a + count, b + count], 1), np.stack([a, b + count, b], 1)]
    points = np.concatenate(rings)
    return (
        points,
        np.concatenate(faces).astype(np.int32),
        np.tile(np.array(rgb, np.float64), (len(points), 1)),
    )


def _joined(parts: list[tuple[F64, I32, F64]], lighting: float) -> Mesh:
    starts = np.cumsum([0, *(len(points) for points, _, _ in parts)])
    points = np.concatenate([points for points, _, _ in parts])
    faces = np.concatenate([faces + start for (_, faces, _), start in zip(parts, starts[:-1], strict=True)])
    colors = np.concatenate([colors for _, _, colors in parts])
    mesh = Mesh(points, faces.astype(np.int32))
    light = _baked_light(mesh, lighting)
    return Mesh(points, mesh.faces, colors=np.clip(np.rint(colors * light[:, None]), 0, 255).astype(np.uint8))


def _baked_light(mesh: Mesh, lighting: float, rays: int = 24) -> F64:
    """(V,) factor on sRGB values: soft light from everywhere, a little more from the front and above."""
    normals = vertex_normals(mesh.vertices, mesh.faces)
    k = np.arange(rays) + 0.5
    up, turn = 1 - 2 * k / rays, np.pi * (1 + 5**0.5) * k
    sphere = np.stack([np.sqrt(1 - up**2) * np.cos(turn), up, np.sqrt(1 - up**2) * np.sin(turn)], axis=1)
    caster, opened, total = Raycaster(mesh), np.zeros(len(normals)), np.full(len(normals), 1e-9)
    origins = mesh.vertices + 0.004 * normals
    for direction in sphere:
        weight = np.maximum(normals @ direction, 0)
        ids = np.flatnonzero(weight > 0.05)
        far = caster.cast(origins[ids], np.broadcast_to(direction, (len(ids), 3))).distance > 0.6
        opened[ids] += weight[ids] * far
        total[ids] += weight[ids]
    share = opened / total
    key = np.clip(normals @ (KEY_LIGHT / np.linalg.norm(KEY_LIGHT)), -0.5, 1)
    return 1 - lighting * (0.5 * (1 - share) - 0.10 * key + 0.03)
