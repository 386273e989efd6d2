"""Array types, and the check that every value of the pipeline makes of its arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
U16 = NDArray[np.uint16]
U8 = NDArray[np.uint8]
Bool = NDArray[np.bool_]

RIGID_TOLERANCE = 1e-5
"""Poses are written with six or seven digits."""


def frozen_array(
    name: str, value: Any, dtype: Any, shape: tuple[int | None, ...], *, finite: bool = True
) -> NDArray[Any]:
    """Return `value` as a read-only C-ordered array, or raise `InputError`.

    `shape` holds a length for each axis, None where any length is allowed. A read-only array that
    already fits is returned as it is; all else is copied: the caller's array cannot change the value.
    """
    array = np.asarray(value, dtype=dtype)
    if array.ndim != len(shape) or any(
        want is not None and want != got for want, got in zip(shape, array.shape, strict=False)
    ):
        wanted = "(" + ", ".join("N" if n is None else str(n) for n in shape) + ")"
        raise InputError(f"{name} must have the shape {wanted}; it has {array.shape}.")
    if finite and array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).sum())
        raise InputError(f"{name} holds {bad} values that are NaN or infinite.")
    if array.flags.writeable or not array.flags.c_contiguous:
        array = np.array(array, dtype=dtype, order="C", copy=True)
        array.flags.writeable = False
    return array


def checked_intrinsics(name: str, K: object) -> F64:
    """A (3, 3) pinhole matrix without skew as a read-only array, or `InputError`."""
    matrix = frozen_array(name, K, np.float64, (3, 3))
    if (
        matrix[0, 1]
        or matrix[1, 0]
        or tuple(matrix[2]) != (0.0, 0.0, 1.0)
        or min(matrix[0, 0], matrix[1, 1]) <= 0
    ):
        raise InputError(f"{name} must be [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]; it is {matrix.tolist()}.")
    return matrix


def checked_pose(name: str, pose: object) -> F64:
    """A (4, 4) rigid transform as a read-only array, or `InputError`."""
    matrix = frozen_array(name, pose, np.float64, (4, 4))
    rotation = matrix[:3, :3]
    if (
        np.abs(rotation @ rotation.T - np.eye(3)).max() > RIGID_TOLERANCE
        or np.linalg.det(rotation) < 0
        or np.abs(matrix[3] - [0, 0, 0, 1]).max() > RIGID_TOLERANCE
    ):
        raise InputError(f"{name} must be a rotation and a translation; it is neither.")
    return matrix


def set_fields(instance: Any, **values: Any) -> None:
    """Set fields of a frozen dataclass while it is being built."""
    for name, value in values.items():
        object.__setattr__(instance, name, value)
