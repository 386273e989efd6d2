"""Loads the packaged body (CC0), for adults or for children."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
from scipy import sparse

from bodyscan.body.model import BodyModel
from bodyscan.body.uv_layout import enlarge_small_islands
from bodyscan.errors import InputError

AGES = ("adult", "child")


def load_body_model(which: str | Path = "adult") -> BodyModel:
    """The packaged body for `adult` or `child`, or a user's own SMPL-family file.

    Raises `InputError` where `which` is neither an age nor a readable model file.
    """
    if which in AGES:
        return _packaged(str(which))
    path = Path(which)
    if not path.exists():
        raise InputError(
            f"There is no body model '{which}'. Give one of {', '.join(AGES)}, or the path of an "
            "SMPL-family file (.npz or .pkl)."
        )
    from bodyscan.body.smpl_family import read_smpl_family

    return read_smpl_family(path)


def asset_info() -> dict:
    """Name, licence, origin and held-out error of the packaged body."""
    return json.loads(resources.files("bodyscan.body").joinpath("data/body.json").read_text())


@lru_cache(maxsize=2)
def _packaged(age: str) -> BodyModel:
    info = asset_info()
    with (
        resources.as_file(resources.files("bodyscan.body").joinpath("data/body.npz")) as path,
        np.load(path, allow_pickle=False) as data,
    ):
        return _build(data, age, info)


def _build(data, age: str, info: dict) -> BodyModel:
    body_dirs, face_dirs = data[f"{age}_dirs"], data["face_dirs"]
    template = _frozen(data[f"{age}_template"])
    num_body, num_face = len(body_dirs), len(face_dirs)
    dirs = np.zeros((num_body + num_face, *template.shape), dtype=np.float32)
    dirs[:num_body] = body_dirs
    dirs[num_body:, data["face_vertex_ids"]] = face_dirs
    joint_dirs = np.concatenate([data[f"{age}_joint_dirs"], data["face_joint_dirs"]]).astype(np.float64)
    names = tuple(str(name) for name in data["joint_names"])
    expressions = tuple(str(name) for name in data["expression_names"])
    starts = data["expression_starts"]
    ids, deltas = data["expression_vertex_ids"], data["expression_deltas"].astype(np.float32)
    spans = {name: slice(starts[k], starts[k + 1]) for k, name in enumerate(expressions)}
    region_names = tuple(str(name) for name in data["region_names"])
    region_ids = data["region_ids"].astype(np.int32)
    uvs = enlarge_small_islands(
        data["split_uvs"], data["split_faces"], data["split_source"], template, region_ids, region_names
    )
    return BodyModel(
        name=f"{info['name']} ({age})",
        license=info["license"],
        template=template,
        shape_dirs=_frozen(dirs),
        num_body_components=num_body,
        joint_template=_frozen(data[f"{age}_joints"].astype(np.float64)),
        joint_dirs=_frozen(joint_dirs),
        joint_names=names,
        parents=_frozen(data["parents"]),
        skin_weights=_sparse_weights(data["skin_indices"], data["skin_weights"], len(names)),
        faces=_frozen(data["faces"]),
        expression_ids={name: _frozen(ids[span]) for name, span in spans.items()},
        expression_deltas={name: _frozen(deltas[span]) for name, span in spans.items()},
        region_names=region_names,
        region_ids=_frozen(region_ids),
        inner=_frozen(data["inner"]),
        split_source=_frozen(data["split_source"]),
        split_faces=_frozen(data["split_faces"]),
        split_uvs=_frozen(uvs),
    )


def _frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def _sparse_weights(indices: np.ndarray, weights: np.ndarray, num_joints: int) -> sparse.csr_matrix:
    count, width = indices.shape
    rows = np.repeat(np.arange(count), width)
    matrix = sparse.csr_matrix(
        (weights.reshape(-1).astype(np.float64), (rows, indices.reshape(-1))), shape=(count, num_joints)
    )
    matrix.eliminate_zeros()
    matrix.data /= np.repeat(np.asarray(matrix.sum(axis=1)).reshape(-1), np.diff(matrix.indptr))
    return matrix
