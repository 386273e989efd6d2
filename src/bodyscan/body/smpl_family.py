"""Reads a user's own SMPL, SMPL-H, SMPL-X or STAR file as a `BodyModel`.

Layouts: Loper et al. 2015 (SMPL), Romero et al. 2017 (SMPL-H), Pavlakos et al. 2019 (SMPL-X), Osman et al.
2020 (STAR). The files are licensed to their user by their publishers; nothing of them comes with bodyscan.

What differs from the publishers' own code: the template is moved up so that its lowest point is at Y = 0;
SMPL-X's expression coefficients follow the shape coefficients as components of the face; STAR's pose
correctives, which depend on quaternions and on a shape coefficient, are left out; the model's name says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from bodyscan.body.model import BodyModel
from bodyscan.body.restricted_pickle import read_restricted_pickle
from bodyscan.errors import InputError
from bodyscan.types import F64, I32

LICENSE = "the user's own copy, under the licence of its publisher; not part of bodyscan"
REQUIRED = ("v_template", "shapedirs", "J_regressor", "weights", "kintree_table", "f")
OPTIONAL = ("posedirs", "vt", "ft")
SMPLX_SPLITS = {400: 300, 20: 10}
"""Shape coefficients among all columns of an SMPL-X file; the rest are expressions."""

_BODY = (
    "hips", "leftUpperLeg", "rightUpperLeg", "spine", "leftLowerLeg", "rightLowerLeg", "chest",
    "leftFoot", "rightFoot", "upperChest", "leftToes", "rightToes", "neck", "leftShoulder",
    "rightShoulder", "head", "leftUpperArm", "rightUpperArm", "leftLowerArm", "rightLowerArm",
    "leftHand", "rightHand",
)  # fmt: skip


def _hand(side: str) -> tuple[str, ...]:
    fingers = [
        f"{side}{finger}{part}"
        for finger in ("Index", "Middle", "Little", "Ring")
        for part in ("Proximal", "Intermediate", "Distal")
    ]
    return (*fingers, *(f"{side}Thumb{part}" for part in ("Metacarpal", "Proximal", "Distal")))


JOINT_NAMES: Mapping[int, tuple[str, ...]] = {
    24: (*_BODY, "leftFist", "rightFist"),
    52: (*_BODY, *_hand("left"), *_hand("right")),
    55: (*_BODY, "jaw", "leftEye", "rightEye", *_hand("left"), *_hand("right")),
}
"""Number of joints (SMPL and STAR, SMPL-H, SMPL-X) -> VRM names; `leftFist` is SMPL's own and not VRM."""


def read_smpl_family(path: str | Path) -> BodyModel:
    """Read an SMPL-family file, `.npz` or `.pkl`; a pickle is read without executing it.

    Raises `InputError` where the file is not of that layout, or a pickle names anything but arrays.
    """
    path = Path(path)
    if path.suffix.lower() == ".npz":
        fields = _npz_fields(path)
    elif path.suffix.lower() in (".pkl", ".pickle"):
        fields = read_restricted_pickle(path)
    else:
        raise InputError(
            f"'{path.name}' ends in '{path.suffix}'; an SMPL-family body model is a .npz or a .pkl file."
        )
    missing = [name for name in REQUIRED if name not in fields]
    if missing:
        raise InputError(
            f"'{path.name}' is no SMPL-family file: it has no {', '.join(missing)}. "
            f"It holds: {', '.join(sorted(map(str, fields))[:20]) or 'nothing'}."
        )
    return model_from_fields(fields, path.stem)


def _npz_fields(path: Path) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as data:
            return {name: data[name] for name in (*REQUIRED, *OPTIONAL) if name in data.files}
    except OSError as error:
        raise InputError(f"'{path.name}' cannot be read: {error}") from None
    except Exception as error:
        raise InputError(
            f"'{path.name}' is no .npz of plain arrays: {error} Save it again without pickled objects."
        ) from None


def model_from_fields(fields: Mapping[str, Any], name: str = "SMPL-family body") -> BodyModel:
    """Build the model from the file's arrays (`v_template`, `shapedirs` ...).

    Raises `InputError` naming the field whose shape does not fit the others.
    """
    template = _field(fields, "v_template", (None, 3))
    count = len(template)
    dirs = _field(fields, "shapedirs", (count, 3, None))
    parents = _parents(fields["kintree_table"])
    num_joints = len(parents)
    regressor = _regressor(fields["J_regressor"], num_joints, count)
    weights = _field(fields, "weights", (count, num_joints))
    faces = _faces(fields["f"], count)
    template = template - [0.0, float(template[:, 1].min()), 0.0]
    shape_dirs = np.ascontiguousarray(np.moveaxis(dirs, 2, 0))
    pose_dirs, note = _pose_dirs(fields.get("posedirs"), count, num_joints)
    names = JOINT_NAMES.get(num_joints, tuple(f"joint_{j}" for j in range(num_joints)))
    region_names, region_ids = _regions(names, weights)
    source, split_faces, uvs = _uvs(fields, faces)
    num_body = SMPLX_SPLITS.get(len(shape_dirs), len(shape_dirs)) if num_joints == 55 else len(shape_dirs)
    return BodyModel(
        name=name + note,
        license=LICENSE,
        template=template.astype(np.float32),
        shape_dirs=shape_dirs.astype(np.float32),
        num_body_components=num_body,
        joint_template=regressor @ template,
        joint_dirs=np.stack([regressor @ column for column in shape_dirs])
        if len(shape_dirs)
        else np.zeros((0, num_joints, 3)),
        joint_names=names,
        parents=parents,
        skin_weights=_skin_weights(weights),
        faces=faces,
        pose_dirs=pose_dirs,
        region_names=region_names,
        region_ids=region_ids,
        inner=np.zeros(count, dtype=bool),
        split_source=source,
        split_faces=split_faces,
        split_uvs=uvs,
    )


def _field(fields: Mapping[str, Any], name: str, shape: tuple[int | None, ...]) -> F64:
    value = fields[name]
    array = np.asarray(value.toarray() if sparse.issparse(value) else value)
    fits = array.ndim == len(shape) and all(
        w is None or w == g for w, g in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        wanted = ", ".join("N" if n is None else str(n) for n in shape)
        raise InputError(
            f"The body model's '{name}' must hold finite numbers of the shape ({wanted}); it has the shape "
            f"{array.shape} and dtype {array.dtype}."
        )
    return array.astype(np.float64)


def _parents(table: Any) -> I32:
    """(2, J) kinematic table -> (J,) parents; the root's is stored as -1 or as 2^32 - 1."""
    table = np.asarray(table)
    if table.ndim != 2 or table.shape[0] != 2 or table.shape[1] < 1 or table.dtype.kind not in "iuf":
        raise InputError(f"The body model's 'kintree_table' must have the shape (2, J), not {table.shape}.")
    parents = table[0].astype(np.int64)
    parents[0] = -1
    later = np.arange(1, len(parents))
    if (parents[1:] < 0).any() or (parents[1:] >= later).any():
        raise InputError("The body model's 'kintree_table' must name an earlier joint as every parent.")
    return parents.astype(np.int32)


def _regressor(value: Any, num_joints: int, count: int) -> sparse.csr_matrix:
    matrix = sparse.csr_matrix(value, dtype=np.float64)
    if matrix.get_shape() != (num_joints, count) or not np.isfinite(matrix.data).all():
        raise InputError(
            f"The body model's 'J_regressor' must be finite and ({num_joints}, {count}); "
            f"it is {matrix.get_shape()}."
        )
    return matrix


def _faces(value: Any, count: int) -> I32:
    faces = np.asarray(value)
    if faces.ndim != 2 or faces.shape[1] != 3 or faces.dtype.kind not in "iu":
        raise InputError(f"The body model's 'f' must be whole numbers of shape (F, 3), not {faces.shape}.")
    if len(faces) and (int(faces.min()) < 0 or int(faces.max()) >= count):
        raise InputError(f"The body model's 'f' names vertex {int(faces.max())}; there are {count}.")
    return faces.astype(np.int32)


def _pose_dirs(value: Any, count: int, num_joints: int) -> tuple[np.ndarray | None, str]:
    """Pose correctives (9 (J - 1), V, 3), or None with a note where the file has none that fit."""
    if value is None:
        return None, ""
    array = np.asarray(value)
    if array.ndim == 3 and array.shape[:2] == (count, 3):
        if array.shape[2] == 9 * (num_joints - 1):
            return np.ascontiguousarray(np.moveaxis(array, 2, 0)).astype(np.float32), ""
        if array.shape[2] in (4 * (num_joints - 1), 4 * (num_joints - 1) + 1):
            return None, " (STAR, without its pose correctives)"
    raise InputError(
        f"The body model's 'posedirs' must have the shape ({count}, 3, {9 * (num_joints - 1)}), or STAR's "
        f"({count}, 3, {4 * (num_joints - 1) + 1}); it has {array.shape}."
    )


def _skin_weights(weights: F64) -> sparse.csr_matrix:
    total = weights.sum(axis=1, keepdims=True)
    if (weights < -1e-6).any() or np.abs(total - 1).max() > 1e-2:
        raise InputError("The body model's 'weights' must be at least 0 and sum to 1 at each vertex.")
    return sparse.csr_matrix(np.maximum(weights, 0) / np.maximum(weights, 0).sum(axis=1, keepdims=True))


def _regions(names: tuple[str, ...], weights: F64) -> tuple[tuple[str, ...], I32]:
    """Region of each vertex from the joint with the most weight, named as in the packaged body."""
    of_joint = [_region(name) for name in names]
    regions = tuple(sorted(set(of_joint)))
    place = np.array([regions.index(region) for region in of_joint], dtype=np.int32)
    return regions, place[weights.argmax(axis=1)]


def _region(joint: str) -> str:
    for side in ("left", "right"):
        if joint.startswith(side):
            part = joint.removeprefix(side)
            limbs = {"UpperLeg": "upper_leg", "LowerLeg": "lower_leg", "Foot": "foot", "Toes": "foot"}
            limbs |= {"UpperArm": "upper_arm", "LowerArm": "lower_arm", "Eye": "eye"}
            return "torso" if part == "Shoulder" else f"{side}_{limbs.get(part, 'hand')}"
    return {"neck": "neck", "head": "head", "jaw": "head"}.get(joint, "torso")


def _uvs(fields: Mapping[str, Any], faces: I32) -> tuple[I32, I32, np.ndarray]:
    """Vertices split at UV seams where the file has UVs (`vt`, `ft`, as SMPL-X has); else empty arrays."""
    if "vt" not in fields or "ft" not in fields:
        return np.zeros(0, np.int32), np.zeros((0, 3), np.int32), np.zeros((0, 2), np.float32)
    uvs = _field(fields, "vt", (None, 2))
    corners = _faces(fields["ft"], len(uvs))
    if corners.shape != faces.shape:
        raise InputError(f"The body model's 'ft' must have the shape {faces.shape}; it has {corners.shape}.")
    pairs = np.stack([faces.reshape(-1), corners.reshape(-1)], axis=1)
    split, index = np.unique(pairs, axis=0, return_inverse=True)
    flipped = uvs[split[:, 1]] * [1, -1] + [0, 1]
    return split[:, 0].astype(np.int32), index.reshape(-1, 3).astype(np.int32), flipped.astype(np.float32)
