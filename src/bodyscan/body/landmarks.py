"""Where landmarks lie on the body: a detector's points, and the named points of a person's anatomy.

Both are fixed sparse weights over the posed vertices and joints, so that a point and its derivative follow
from the body's. The tables of the packaged body are made by `tools/calibrate_landmarks`, which shows made
people to the detector; a model of another topology gets the points that are joints, by their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
from scipy import sparse

from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.types import F64

_PARTS_ALL = ("shoulder", "elbow", "wrist", "pinky", "index", "thumb", "hip", "knee", "ankle", "heel")
POSE_LANDMARKS: tuple[str, ...] = (
    "nose",
    *(f"{side}_eye{part}" for side in ("left", "right") for part in ("_inner", "", "_outer")),
    *(f"{side}_ear" for side in ("left", "right")),
    *(f"mouth_{side}" for side in ("left", "right")),
    *(f"{side}_{part}" for part in (*_PARTS_ALL, "foot_index") for side in ("left", "right")),
)
"""The 33 points of the pose detector; left and right are the person's own."""
HAND_LANDMARKS: tuple[str, ...] = tuple(f"{side}_hand_{i}" for side in ("left", "right") for i in range(21))
"""Wrist, then thumb to little finger from root to tip, of each hand."""
FACE_LANDMARKS: tuple[str, ...] = tuple(f"face_{i}" for i in range(478))
"""The points of the face mesh, irises last."""
LANDMARK_NAMES: tuple[str, ...] = POSE_LANDMARKS + HAND_LANDMARKS + FACE_LANDMARKS

JOINT_ONLY_SIGMA_M = 0.025
"""Standard deviation of a detector's point against the joint of its name, where nothing better is known."""
_JOINT_OF_POSE = {
    "shoulder": "UpperArm",
    "elbow": "LowerArm",
    "wrist": "Hand",
    "hip": "UpperLeg",
    "knee": "LowerLeg",
    "ankle": "Foot",
}
_FINGERS = ("Thumb", "Index", "Middle", "Ring", "Little")


@dataclass(frozen=True, eq=False)
class PointTable:
    """Named points as sparse combinations of a body's posed vertices and joints. L points."""

    names: tuple[str, ...]
    over_vertices: sparse.csr_matrix
    """(L, V) float64."""
    over_joints: sparse.csr_matrix
    """(L, J) float64; both rows of a point together sum to 1."""
    sigma_m: F64
    """(L,) float64, metres: standard deviation on each axis of where the point is found, held out."""

    @property
    def num_vertices(self) -> int:
        return int(self.over_vertices.get_shape()[1])

    def fits(self, model: BodyModel) -> bool:
        """True where the model has the topology that the table was made for."""
        return self.num_vertices == model.num_vertices and self.over_joints.get_shape()[1] == model.num_joints

    def positions(self, vertices: F64, joints: F64) -> F64:
        """(V, 3), (J, 3) of a posed body -> (L, 3) metres."""
        return np.asarray(self.over_vertices @ vertices + self.over_joints @ joints, dtype=np.float64)

    def subset(self, names: tuple[str, ...]) -> PointTable:
        """The named points in the given order; `InputError` lists what is unknown."""
        place = {name: k for k, name in enumerate(self.names)}
        unknown = [name for name in names if name not in place]
        if unknown:
            raise InputError(
                f"Unknown landmarks {unknown[:5]}; the table holds {len(self.names)}: "
                f"{', '.join(self.names[:8])} ..."
            )
        rows = [place[name] for name in names]
        return PointTable(tuple(names), self.over_vertices[rows], self.over_joints[rows], self.sigma_m[rows])


def detector_points(model: BodyModel) -> PointTable:
    """Where each point of `LANDMARK_NAMES` lies on `model`, as far as it is known.

    For the packaged body all of them; for another topology the joints that both know by name, with a
    standard deviation of `JOINT_ONLY_SIGMA_M`.
    """
    table = _packaged("detector")
    return table if table.fits(model) else _joints_only(model)


def body_points(model: BodyModel) -> PointTable:
    """Named points of the anatomy (`nose_tip`, `left_acromion` ...) on the packaged body.

    Raises `InputError` for a model of another topology, for which no such table exists.
    """
    table = _packaged("body")
    if not table.fits(model):
        raise InputError(
            f"The model '{model.name}' has {model.num_vertices} vertices; named points are known for the "
            f"packaged body with {table.num_vertices}. Load it with load_body_model('adult')."
        )
    return table


def body_landmarks(model: BodyModel, vertices: F64, joints: F64) -> Mapping[str, tuple[float, float, float]]:
    """Name -> position in metres of `body_points` on a posed body: (V, 3) vertices, (J, 3) joints."""
    table = body_points(model)
    points = table.positions(vertices, joints)
    return {name: (float(x), float(y), float(z)) for name, (x, y, z) in zip(table.names, points, strict=True)}


@lru_cache(maxsize=2)
def _packaged(which: str) -> PointTable:
    with (
        resources.as_file(resources.files("bodyscan.body").joinpath("data/landmarks.npz")) as path,
        np.load(path, allow_pickle=False) as data,
    ):
        names = tuple(str(name) for name in data[f"{which}_names"])
        parts = [
            sparse.csr_matrix(
                tuple(data[f"{which}_{over}_{key}"] for key in ("data", "indices", "indptr")),
                shape=(len(names), int(data[f"num_{over}"])),
            )
            for over in ("vertices", "joints")
        ]
        return PointTable(names, parts[0], parts[1], data[f"{which}_sigma_m"].astype(np.float64))


def _joints_only(model: BodyModel) -> PointTable:
    names, joints = [], []
    for name, joint in joint_names_of_landmarks().items():
        if joint in model.joint_names:
            names.append(name)
            joints.append(model.joint_index(joint))
    rows = np.arange(len(names))
    over_joints = sparse.csr_matrix(
        (np.ones(len(names)), (rows, joints)), shape=(len(names), model.num_joints)
    )
    over_vertices = sparse.csr_matrix((len(names), model.num_vertices))
    return PointTable(tuple(names), over_vertices, over_joints, np.full(len(names), JOINT_ONLY_SIGMA_M))


def joint_names_of_landmarks() -> dict[str, str]:
    """Landmark name -> VRM joint at nearly the same place."""
    found = {}
    for side in ("left", "right"):
        for part, joint in _JOINT_OF_POSE.items():
            found[f"{side}_{part}"] = side + joint
        found[f"{side}_hand_0"] = f"{side}Hand"
        for finger, first in zip(_FINGERS, range(1, 21, 4), strict=True):
            segments = ("Metacarpal", "Proximal", "Distal")
            for k, segment in enumerate(
                segments if finger == "Thumb" else ("Proximal", "Intermediate", "Distal")
            ):
                found[f"{side}_hand_{first + k}"] = f"{side}{finger}{segment}"
    return found
