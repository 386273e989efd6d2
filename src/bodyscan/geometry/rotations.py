"""Rotations as vectors and matrices, batched.

A rotation vector points along the axis, its length is the angle in radians (right-hand rule).
"""

from __future__ import annotations

import numpy as np

from bodyscan.types import F64

SMALL_ANGLE_RAD = 1e-6


def cross_matrix(vectors: F64) -> F64:
    """(..., 3) -> (..., 3, 3): the matrix K with K @ x = v x x."""
    x, y, z = np.moveaxis(np.asarray(vectors, dtype=np.float64), -1, 0)
    zero = np.zeros_like(x)
    rows = [zero, -z, y, z, zero, -x, -y, x, zero]
    return np.stack(rows, axis=-1).reshape(*x.shape, 3, 3)


def rotvec_to_matrix(rotvec: F64) -> F64:
    """(..., 3) radians -> (..., 3, 3), by Rodrigues' formula."""
    rotvec = np.asarray(rotvec, dtype=np.float64)
    angle = np.linalg.norm(rotvec, axis=-1)[..., None, None]
    small = angle < SMALL_ANGLE_RAD
    safe = np.where(small, 1.0, angle)
    sine = np.where(small, 1 - angle**2 / 6, np.sin(safe) / safe)
    cosine = np.where(small, 0.5 - angle**2 / 24, (1 - np.cos(safe)) / safe**2)
    K = cross_matrix(rotvec)
    return np.eye(3) + sine * K + cosine * (K @ K)


def matrix_to_rotvec(matrix: F64) -> F64:
    """(..., 3, 3) -> (..., 3) radians with an angle of at most pi."""
    from scipy.spatial.transform import Rotation

    matrix = np.asarray(matrix, dtype=np.float64)
    flat = Rotation.from_matrix(matrix.reshape(-1, 3, 3)).as_rotvec()
    return flat.reshape(matrix.shape[:-1])


def left_jacobian(rotvec: F64) -> F64:
    """(..., 3) -> (..., 3, 3): J with R(v + dv) = R(J dv) R(v) to first order.

    The left Jacobian of SO(3); see Sola, Deray and Atchuthan, "A micro Lie theory for state estimation
    in robotics", 2018, equation 145.
    """
    rotvec = np.asarray(rotvec, dtype=np.float64)
    angle = np.linalg.norm(rotvec, axis=-1)[..., None, None]
    small = angle < 1e-4
    safe = np.where(small, 1.0, angle)
    first = np.where(small, 0.5 - angle**2 / 24, (1 - np.cos(safe)) / safe**2)
    second = np.where(small, 1 / 6 - angle**2 / 120, (safe - np.sin(safe)) / safe**3)
    K = cross_matrix(rotvec)
    return np.eye(3) + first * K + second * (K @ K)


def rotation_between(source: F64, target: F64) -> F64:
    """(3,), (3,) -> (3, 3): the smallest rotation that turns direction `source` into `target`."""
    a = np.asarray(source, dtype=np.float64) / np.linalg.norm(source)
    b = np.asarray(target, dtype=np.float64) / np.linalg.norm(target)
    axis = np.cross(a, b)
    sine, cosine = np.linalg.norm(axis), float(a @ b)
    if sine < 1e-12:
        if cosine > 0:
            return np.eye(3)
        helper = np.eye(3)[np.argmin(np.abs(a))]
        axis = np.cross(a, helper)
        return rotvec_to_matrix(np.pi * axis / np.linalg.norm(axis))
    return rotvec_to_matrix(axis / sine * np.arctan2(sine, cosine))
