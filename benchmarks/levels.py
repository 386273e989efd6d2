"""How far levels of detail, collision body and capsules are from the body that they stand for.

    python benchmarks/levels.py                  10 made people in four poses, and 30 for the collision body
    python benchmarks/levels.py --people 4       fewer, quicker
    python benchmarks/levels.py --record         and append the rows to benchmarks/results/levels.csv

Distances of a level are between its surface and level 0 (the visible skin, points even by area), one way and
back. `flipped` are triangles whose normal turns away from level 0's normals at their corners. `seam_gap_um`
is the widest distance of the two sides of a texture seam. `outline_px` is how many pixels of a silhouette
differ for each pixel of its outline, 512 px.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import numpy as np

from bodyscan import __version__
from bodyscan.body.asset import load_body_model
from bodyscan.body.hidden_parts import hidden_vertices
from bodyscan.body.model import BodyModel
from bodyscan.body.poses import standard_pose
from bodyscan.geometry.edges import edge_table
from bodyscan.geometry.normals import area_vectors, vertex_areas, vertex_normals
from bodyscan.geometry.raycast import Raycaster
from bodyscan.geometry.sampling import sample_surface
from bodyscan.geometry.view import View
from bodyscan.render.pose import pose_rig
from bodyscan.render.poses import aim_bones, named_pose
from bodyscan.rig.influences import four_influences
from bodyscan.rig.skeleton import reduce_joints
from bodyscan.simulate.people import plausible_betas
from bodyscan.twin.capsules import signed_distance
from bodyscan.twin.collision import collision_body, crossing_faces
from bodyscan.twin.levels import twin_levels
from bodyscan.twin.split import split_at_seams
from bodyscan.types import BodyParams, Level, Mesh, Rig, Skeleton

RESULTS = Path(__file__).parent / "results" / "levels.csv"
COLUMNS = ("version", "what", "pose", "people", "triangles", "measure", "value")
BUILDS = ("thin", "average", "heavy", "athletic")
SIT = {
    "leftUpperLeg": (0.1, -0.05, 1.0),
    "rightUpperLeg": (-0.1, -0.05, 1.0),
    "leftLowerLeg": (0.0, -1.0, 0.0),
    "rightLowerLeg": (0.0, -1.0, 0.0),
}
POSES = ("bind", "t", "arms_up", "walk", "sit")
POINTS = 20_000
Rows = dict[tuple[str, str, str], list[float]]


def person(k: int, pose: str = "a") -> tuple[BodyModel, Rig]:
    """Made person number `k` in `a` or `t`, each fifth a child: model and rig on the body's topology."""
    rng = np.random.default_rng(1000 + k)
    model = load_body_model("child" if k % 5 == 4 else "adult")
    betas = plausible_betas(rng, model, sex=("female", "male")[k % 2], build=BUILDS[(k // 2) % 4])
    posed = model.pose(BodyParams(betas, standard_pose(model, betas, pose), np.zeros(3)))
    reduced = reduce_joints(model.joint_names, model.parents, model.skin_weights, "hands")
    skeleton = Skeleton(reduced.joint_names, reduced.parents, posed.joints[reduced.kept])
    return model, Rig(Mesh(posed.vertices, model.faces), skeleton, *four_influences(reduced.weights))


def turns(skeleton: Skeleton, pose: str) -> dict:
    if pose == "bind":
        return {}
    return aim_bones(skeleton, SIT) if pose == "sit" else named_pose(skeleton, pose)


def visible(model: BodyModel, source: np.ndarray, faces: np.ndarray) -> np.ndarray:
    return faces[~hidden_vertices(model)[source][faces].any(axis=1)]


def compare_level(rows: Rows, name: str, pose: str, model: BodyModel, fine: Rig, level: Level) -> None:
    rotations = turns(fine.skeleton, pose)
    full, coarse = pose_rig(fine, rotations), pose_rig(level.rig, rotations)
    sources = model.split_source, level.vertex_source
    surfaces = [
        Mesh(mesh.vertices, visible(model, source, mesh.faces))
        for mesh, source in zip((full, coarse), sources, strict=True)
    ]
    casters = [Raycaster(full), Raycaster(coarse)]
    for way, (a, b) in {"to_level0": (1, 0), "from_level0": (0, 1)}.items():
        points = _points(surfaces[a])
        distance = 1000 * casters[b].closest(points)[0]
        for key, value in (
            ("mean_mm", distance.mean()),
            ("p95_mm", np.percentile(distance, 95)),
            ("max_mm", distance.max()),
        ):
            rows.setdefault((name, pose, f"{way}_{key}"), []).append(float(value))
    normals = area_vectors(surfaces[1].vertices, surfaces[1].faces)
    smooth = vertex_normals(full.vertices[_first(model)], model.faces)[level.vertex_source]
    agree = np.einsum("nk,nk->n", normals, smooth[surfaces[1].faces].sum(axis=1))
    rows.setdefault((name, pose, "flipped"), []).append(float((agree < 0).sum()))
    gap = _seam_gap(coarse.vertices, level.vertex_source)
    rows.setdefault((name, pose, "seam_gap_um"), []).append(1e6 * gap)
    rows.setdefault((name, pose, "worst_aspect"), []).append(_worst_aspect(surfaces[1]))
    rows.setdefault((name, pose, "outline_px"), []).append(_outline_px(casters))


def _first(model: BodyModel) -> np.ndarray:
    return np.unique(model.split_source, return_index=True)[1]


def _points(mesh: Mesh) -> np.ndarray:
    return sample_surface(mesh.vertices, mesh.faces, POINTS, seed=0)[0]


def _seam_gap(vertices: np.ndarray, source: np.ndarray) -> float:
    order = np.argsort(source, kind="stable")
    same = source[order][1:] == source[order][:-1]
    apart = np.linalg.norm(vertices[order][1:] - vertices[order][:-1], axis=1)
    return float(apart[same].max(initial=0.0))


def _worst_aspect(mesh: Mesh) -> float:
    """Longest side over the height on it; 1.15 is equilateral."""
    corners = mesh.vertices[mesh.faces]
    sides = np.linalg.norm(corners - corners[:, [1, 2, 0]], axis=2)
    area = np.linalg.norm(area_vectors(mesh.vertices, mesh.faces), axis=1)
    return float((sides.max(axis=1) ** 2 / np.maximum(2 * area, 1e-12)).max())


def _outline_px(casters: list[Raycaster]) -> float:
    """Mean over front and side: pixels that differ, for each pixel of the outline."""
    bounds = np.stack([casters[0].mesh.vertices.min(axis=0), casters[0].mesh.vertices.max(axis=0)])
    found = []
    for azimuth in (0.0, np.pi / 2):
        view = View.around(bounds, azimuth)
        first, second = (caster.render(view).mask for caster in casters)
        rim = first & ~(
            np.roll(first, 1, 0) & np.roll(first, -1, 0) & np.roll(first, 1, 1) & np.roll(first, -1, 1)
        )
        found.append((first ^ second).sum() / max(int(rim.sum()), 1))
    return float(np.mean(found))


def measure_collision(rows: Rows, k: int, pose: str) -> None:
    model, rig = person(k, pose)
    start = time.process_time()
    body = collision_body(model, rig)
    seconds = time.process_time() - start
    vertices, faces = body.rig.mesh.vertices, body.rig.mesh.faces
    skin = ~hidden_vertices(model)
    points = rig.mesh.vertices[skin]
    areas = vertex_areas(rig.mesh.vertices, rig.mesh.faces)[skin]
    outside = 1000 * Raycaster(body.rig.mesh).signed_distance(points)
    union = 1000 * np.min([signed_distance(points, capsule) for capsule in body.capsules], axis=0)
    open_edges = int((edge_table(faces).counts != 2).sum())
    for key, value in {
        "outside_p99_mm": np.percentile(outside, 99),
        "outside_max_mm": outside.max(),
        "mean_abs_mm": np.abs(outside).mean(),
        "crossing_faces": len(crossing_faces(vertices, faces)),
        "open_edges": open_edges,
        "cpu_s": seconds,
    }.items():
        rows.setdefault(("collision", pose, key), []).append(float(value))
    for key, value in {
        "mean_abs_mm": np.average(np.abs(union), weights=areas),
        "outside_mean_mm": np.average(np.maximum(union, 0), weights=areas),
        "enclosed": areas[union <= 0].sum() / areas.sum(),
    }.items():
        rows.setdefault(("capsules", pose, key), []).append(float(value))


WORST = ("max_mm", "flipped", "gap_um", "aspect", "crossing_faces", "open_edges")


def table(rows: Rows, triangles: dict[str, int]) -> list[dict[str, str]]:
    out = []
    for (what, pose, key), values in rows.items():
        value = max(values) if key.endswith(WORST) else float(np.mean(values))
        cells = (__version__, what, pose, len(values), triangles.get(what, 0), key, f"{value:.3f}")
        out.append({name: str(cell) for name, cell in zip(COLUMNS, cells, strict=True)})
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description="Levels of detail, collision body and capsules.")
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument("--collision-people", type=int, default=30)
    parser.add_argument("--record", action="store_true", help=f"append to {RESULTS.name}")
    given = parser.parse_args()
    rows: Rows = {}
    triangles: dict[str, int] = {}
    for k in range(given.people):
        model, rig = person(k)
        fine, _, _ = split_at_seams(model, rig, ())
        for number, level in enumerate(twin_levels(model, fine, ()), 1):
            triangles[f"level{number}"] = len(level.rig.mesh.faces)
            for pose in POSES:
                compare_level(rows, f"level{number}", pose, model, fine, level)
    for k in range(given.collision_people):
        for pose in ("a", "t"):
            measure_collision(rows, k, pose)
    found = table(rows, triangles)
    for row in found:
        print("".join(f"{row[name]:>24}" for name in COLUMNS[1:]))
    if given.record:
        new = not RESULTS.exists()
        with RESULTS.open("a", newline="") as file:
            writer: csv.DictWriter[str] = csv.DictWriter(file, list(COLUMNS))
            if new:
                writer.writeheader()
            writer.writerows(found)


if __name__ == "__main__":
    main()
