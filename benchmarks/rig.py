"""How close transferred skin weights come to true ones, and what that is in millimetres when the body moves.

    python benchmarks/rig.py                        simulated people of the packaged body
    python benchmarks/rig.py --avatars DIR          and rigged avatars of your own (.npz, see `read_avatar`)
    python benchmarks/rig.py --record               and append the rows to benchmarks/results/rig.csv

The scan is a body with known weights, noise and bumps; the "fitted body" is the same body off by a smooth
error of about 10 mm. Three ways to get weights onto the scan are compared: `bodyscan.rig` (`ours`), the
closest point alone (`closest`), and weights by distance to the bones without any body (`bones`).
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

from bodyscan import __version__
from bodyscan.body.asset import load_body_model
from bodyscan.body.poses import standard_pose
from bodyscan.geometry.normals import vertex_normals
from bodyscan.geometry.raycast import Raycaster
from bodyscan.geometry.rotations import rotvec_to_matrix
from bodyscan.rig.influences import four_influences
from bodyscan.rig.match import barycentric
from bodyscan.rig.options import RigOptions
from bodyscan.rig.transfer import outer_faces, transfer_weights
from bodyscan.types import BodyParams, Mesh

RESULTS = Path(__file__).parent / "results" / "rig.csv"
COLUMNS = ("version", "set", "cases", "method", "l1", "l1_p95", "skinning_mm", "skinning_p95_mm", "seconds")
FIT_ERROR_M = 0.010
POSES = 5
POSE_RAD = 0.3


@dataclass(frozen=True)
class Case:
    """A scan with true weights, and a body that was fitted to it with an error."""

    scan: Mesh
    body: Mesh
    body_faces: np.ndarray
    weights: np.ndarray
    """(B, J) of the body; the scan's vertices are the same ones."""
    joints: np.ndarray
    parents: np.ndarray


def smooth_error(points: np.ndarray, size_m: float, rng: np.random.Generator) -> np.ndarray:
    """(V, 3) -> (V, 3): a smooth field of waves 20 to 60 cm long with a mean length of `size_m`."""
    out = np.zeros_like(points)
    for _ in range(8):
        wave = rng.normal(size=3)
        wave *= 2 * np.pi / (np.linalg.norm(wave) * rng.uniform(0.2, 0.6))
        out += rng.normal(size=3) * np.sin(points @ wave + rng.uniform(0, 6))[:, None]
    return out * size_m / np.linalg.norm(out, axis=1).mean()


def simulated(seed: int) -> Case:
    """A random adult in a relaxed stand, 1 mm of noise and smooth bumps of cloth."""
    rng = np.random.default_rng(seed)
    model = load_body_model("adult")
    betas = np.zeros(model.num_components)
    betas[:40] = 0.8 * rng.normal(size=40)
    pose = np.array(standard_pose(model, betas, ("relaxed", "a")[seed % 2]))
    pose += 0.04 * rng.normal(size=pose.shape)
    posed = model.pose(BodyParams(betas, pose, np.zeros(3)))
    outside = vertex_normals(posed.vertices, model.faces)
    bumps = smooth_error(posed.vertices, 0.006, rng)
    scan = posed.vertices + outside * np.abs(np.einsum("nc,nc->n", bumps, outside))[:, None]
    scan += 0.001 * rng.normal(size=scan.shape)
    faces = outer_faces(model)
    used = np.unique(faces)
    place = np.zeros(model.num_vertices, np.int32)
    place[used] = np.arange(len(used))
    body = posed.vertices + smooth_error(posed.vertices, FIT_ERROR_M, rng)
    weights = model.skin_weights.toarray()[used]
    small = place[faces]
    return Case(Mesh(scan[used], small), Mesh(body[used], small), small, weights, posed.joints, model.parents)


def read_avatar(path: Path, seed: int) -> Case:
    """An `.npz` with vertices (V, 3) metres, faces, weights (V, J), joint_positions (J, 3), parents (J,)."""
    rng = np.random.default_rng(seed)
    with np.load(path, allow_pickle=False) as data:
        vertices, faces = data["vertices"].astype(float), data["faces"].astype(np.int32)
        weights, joints, parents = data["weights"].astype(float), data["joint_positions"], data["parents"]
    weights /= weights.sum(axis=1, keepdims=True)
    body = vertices + smooth_error(vertices, FIT_ERROR_M, rng)
    return Case(Mesh(vertices, faces), Mesh(body, faces), faces, weights, joints, parents)


def ours(case: Case) -> np.ndarray:
    body = sparse.csr_matrix(case.weights)
    return transfer_weights(case.scan, case.body, case.body_faces, body, RigOptions())


def closest(case: Case) -> np.ndarray:
    _, ids, nearest = Raycaster(Mesh(case.body.vertices, case.body_faces)).closest(case.scan.vertices)
    corners = case.body_faces[ids]
    shares = barycentric(nearest, case.body.vertices[corners])
    return np.einsum("nk,nkj->nj", shares, case.weights[corners])


def bones(case: Case) -> np.ndarray:
    """Weight of a joint: one over the fourth power of the distance to its bones."""
    points = case.scan.vertices
    used = np.flatnonzero(case.weights.sum(axis=0) > 0)
    out = np.zeros((len(points), len(case.joints)))
    for joint in used:
        children = np.flatnonzero(case.parents == joint)
        ends = case.joints[children] if len(children) else case.joints[joint][None]
        gap = np.min([_to_segment(points, case.joints[joint], end) for end in ends], axis=0)
        out[:, joint] = 1 / np.maximum(gap, 1e-3) ** 4
    return out / out.sum(axis=1, keepdims=True)


def _to_segment(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    bone = end - start
    along = np.clip((points - start) @ bone / max(float(bone @ bone), 1e-12), 0, 1)
    return np.linalg.norm(points - start - along[:, None] * bone, axis=1)


METHODS = {"ours": ours, "closest": closest, "bones": bones}


def test_transforms(case: Case, rng: np.random.Generator) -> np.ndarray:
    """(J, 3, 4) of a random pose; parents may stand after their children."""
    turns = rotvec_to_matrix(POSE_RAD * rng.normal(size=case.joints.shape))
    done: dict[int, np.ndarray] = {}

    def world(joint: int) -> np.ndarray:
        if joint not in done:
            own = np.column_stack([turns[joint], case.joints[joint] - turns[joint] @ case.joints[joint]])
            parent = int(case.parents[joint])
            if parent >= 0:
                above = world(parent)
                own = np.column_stack([above[:, :3] @ own[:, :3], above[:, :3] @ own[:, 3] + above[:, 3]])
            done[joint] = own
        return done[joint]

    return np.stack([world(j) for j in range(len(case.joints))])


def skin(points: np.ndarray, weights: np.ndarray, transforms: np.ndarray) -> np.ndarray:
    blended = np.tensordot(weights, transforms, axes=1)
    return np.einsum("vij,vj->vi", blended[:, :, :3], points) + blended[:, :, 3]


def errors(case: Case, got: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """L1 of the weights (V,) and skinning error (V,) mm, after both were cut to four influences."""
    cut = [_dense(four_influences(weights), weights.shape[1]) for weights in (got, case.weights)]
    rng = np.random.default_rng(seed)
    distance = np.zeros(len(got))
    for _ in range(POSES):
        transforms = test_transforms(case, rng)
        moved = [skin(case.scan.vertices, weights, transforms) for weights in cut]
        distance += np.linalg.norm(moved[0] - moved[1], axis=1) / POSES
    return np.abs(cut[0] - cut[1]).sum(axis=1), 1000 * distance


def _dense(four: tuple[np.ndarray, np.ndarray], count: int) -> np.ndarray:
    out = np.zeros((len(four[0]), count))
    np.add.at(out, (np.arange(len(out))[:, None], four[0]), four[1])
    return out


def measure(name: str, cases: list[Case]) -> list[dict[str, str]]:
    rows = []
    for method, run in METHODS.items():
        l1, millimetres, seconds = [], [], 0.0
        for seed, case in enumerate(cases):
            start = time.perf_counter()
            got = run(case)
            seconds += time.perf_counter() - start
            difference, distance = errors(case, got, seed)
            l1.append(difference)
            millimetres.append(distance)
        all_l1, all_mm = np.concatenate(l1), np.concatenate(millimetres)
        values = (
            __version__,
            name,
            len(cases),
            method,
            f"{all_l1.mean():.4f}",
            f"{np.percentile(all_l1, 95):.4f}",
            f"{all_mm.mean():.3f}",
            f"{np.percentile(all_mm, 95):.3f}",
            f"{seconds / len(cases):.2f}",
        )
        rows.append({str(column): str(value) for column, value in zip(COLUMNS, values, strict=True)})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Accuracy of transferred skin weights.")
    parser.add_argument("--people", type=int, default=4, help="simulated people")
    parser.add_argument("--avatars", type=Path, help="folder of rigged avatars (.npz)")
    parser.add_argument("--limit", type=int, default=8, help="avatars at most")
    parser.add_argument("--record", action="store_true", help=f"append to {RESULTS.name}")
    given = parser.parse_args()
    rows = measure("simulated", [simulated(seed) for seed in range(given.people)])
    if given.avatars:
        paths = sorted(given.avatars.glob("*.npz"))[: given.limit]
        if not paths:
            sys.exit(f"There is no .npz in {given.avatars}.")
        rows += measure("avatars", [read_avatar(path, seed) for seed, path in enumerate(paths)])
    print("".join(f"{name:>17}" for name in COLUMNS))
    for row in rows:
        print("".join(f"{row[name]!s:>17}" for name in COLUMNS))
    if given.record:
        new = not RESULTS.exists()
        with RESULTS.open("a", newline="") as file:
            writer: csv.DictWriter[str] = csv.DictWriter(file, list(COLUMNS))
            if new:
                writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
