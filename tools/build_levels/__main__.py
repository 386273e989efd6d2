"""Builds `src/bodyscan/body/data/levels.npz` and `collision.npz`: levels of detail and the collision body.

Run from the repository's root:

    python tools/build_levels

Both are designed on the mean body and over made people, for everybody of the packaged topology. It takes
about two minutes. `--wrap FILE` keeps the surface that the collision body is made of, so that the rest can be
tried again in half the time.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import attach
import collapse
import importance
import mirror
import numpy as np
import open3d as o3d
import people
import wrap
from scipy import sparse

from bodyscan.body.asset import load_body_model
from bodyscan.body.model import BodyModel
from bodyscan.geometry.normals import area_vectors

DATA = Path("src/bodyscan/body/data")
LEVELS = (10_000, 3_000)
"""Triangles; from the second on without teeth and tongue."""
UV_SCALE_M = 0.2
"""How many metres an error of one texture width counts for."""
COLLISION_TRIANGLES = 2_180
FIRST_HALF = 12_000
"""Triangles of the wrapped half after a first, quick simplification."""
LEAST_SHAPE = 0.35
LONGEST_M = 0.085


def level_arrays(model: BodyModel, mirrored: np.ndarray) -> dict[str, np.ndarray]:
    """The arrays of `levels.npz`, as `bodyscan.body.levels` reads them."""
    corners = mirror.symmetric_diagonals(model.faces, model.split_faces, mirrored)
    faces = model.split_source[corners]
    mesh = collapse.Collapser(
        people.design_bodies(mirrored),
        model.split_uvs,
        faces,
        corners,
        importance.vertex_importance(model, mirrored),
        mirrored,
        UV_SCALE_M,
    )
    out = {"num_split": np.array(len(model.split_source)), "count": np.array(len(LEVELS))}
    for k, target in enumerate(LEVELS, 1):
        if k == 2:
            mesh.drop(model.region("teeth", "tongue")[faces].all(axis=1))
            mesh.weigh(importance.far_importance(model))
        mesh.run(target)
        kept, small = np.unique(mesh.result(), return_inverse=True)
        out[f"vertices_{k}"] = kept.astype(np.uint16)
        out[f"faces_{k}"] = small.reshape(-1, 3).astype(np.uint16)
        print(f"level {k}: {mesh.left} triangles, {len(kept)} vertices")
    return out


def wrapped(model: BodyModel, body: np.ndarray, path: Path | None) -> tuple[np.ndarray, np.ndarray]:
    if path is not None and path.exists():
        with np.load(path, allow_pickle=False) as data:
            return data["points"], data["faces"]
    points, faces = wrap.closed_half(model, body)
    if path is not None:
        np.savez_compressed(path, points=points, faces=faces)
    return points, faces


def simplified_half(
    model: BodyModel, body: np.ndarray, points: np.ndarray, faces: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The wrapped half with `COLLISION_TRIANGLES` / 2 triangles, its border on x = 0."""
    first = o3d.geometry.TriangleMesh(o3d.utility.Vector3dVector(points), o3d.utility.Vector3iVector(faces))
    first = first.simplify_quadric_decimation(FIRST_HALF, boundary_weight=10.0)
    points, faces = np.array(first.vertices), np.array(first.triangles)
    points[np.abs(points[:, 0]) < 1e-5, 0] = 0.0
    mesh = collapse.Collapser(
        points[None],
        np.zeros((len(points), 2)),
        faces,
        faces,
        importance.collision_importance(model, body, points),
        np.full(len(points), -1),
        0.0,
        least_shape=LEAST_SHAPE,
        longest_m=LONGEST_M,
    )
    mesh.run(COLLISION_TRIANGLES // 2)
    kept, small = np.unique(mesh.result(), return_inverse=True)
    return points[kept], small.reshape(-1, 3)


def collision_arrays(model: BodyModel, mirrored: np.ndarray, path: Path | None) -> dict[str, np.ndarray]:
    """The arrays of `collision.npz`, as `bodyscan.body.levels` reads them."""
    zero = np.zeros(model.num_components)
    body = people.symmetrized(people.posed(model, zero, people.wrapping_pose(model)), mirrored)
    points, faces = simplified_half(model, body, *wrapped(model, body, path))
    loose = model.inner | model.region("left_eye", "right_eye", "teeth", "tongue")
    ids, shares = attach.hang(points, body, ~loose & (mirrored >= 0))
    faces, ids, shares, pair = attach.mirrored(points, faces, ids, shares, mirrored)
    rows = np.repeat(np.arange(len(ids)), ids.shape[1])
    over = sparse.csr_matrix((shares.ravel(), (rows, ids.ravel())), shape=(len(ids), model.num_vertices))
    base = over @ body
    area = float(np.linalg.norm(area_vectors(base, faces), axis=1).sum())
    inside = np.where(loose, 0.0, importance.inside_cost(model))
    toward = attach.neighbours_toward(faces, base, pair)
    bodies = people.collision_bodies(mirrored), people.checked_bodies(mirrored)
    offsets = attach.offsets(over, faces, pair, toward, *bodies, inside, area)
    print(f"collision body: {len(faces)} triangles, {len(ids)} vertices")
    return {
        "body_vertices": ids.astype(np.uint16),
        "shares": shares.astype(np.float32),
        "faces": faces.astype(np.uint16),
        "toward": toward.astype(np.uint16),
        "offsets_m": offsets.astype(np.float32),
        "mirror": pair.astype(np.uint16),
        "area_m2": np.array(area),
        "num_vertices": np.array(model.num_vertices),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Levels of detail and the collision body.")
    parser.add_argument("--wrap", type=Path, help="where to keep or find the wrapped surface (.npz)")
    parser.add_argument("--only", choices=("levels", "collision"), help="build one of them")
    options = parser.parse_args()
    model = load_body_model("adult")
    mirrored = mirror.mirror_map(model)
    if options.only != "collision":
        np.savez_compressed(DATA / "levels.npz", **level_arrays(model, mirrored))
    if options.only != "levels":
        np.savez_compressed(DATA / "collision.npz", **collision_arrays(model, mirrored, options.wrap))


if __name__ == "__main__":
    main()
