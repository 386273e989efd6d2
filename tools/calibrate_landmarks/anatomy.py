"""Named points of a person's anatomy on the body's topology, found by geometry on the mean adult, unposed.

Points of one side are found on the left; the right ones are their mirror images.
"""

from __future__ import annotations

import numpy as np
from regression import Row, barycentric_of, mirrored_vertices

from bodyscan.body.model import BodyModel
from bodyscan.geometry.raycast import Raycaster
from bodyscan.types import F64, Mesh

FACE_POINTS = {
    "glabella": 9,
    "sellion": 168,
    "subnasale": 2,
    "upper_lip": 0,
    "lower_lip": 17,
    "chin": 152,
    "left_mouth_corner": 291,
    "right_mouth_corner": 61,
    "left_eye_inner": 362,
    "left_eye_outer": 263,
    "right_eye_inner": 133,
    "right_eye_outer": 33,
}
"""Anatomical name -> point of the face mesh that was calibrated against the detector."""

C7_HEIGHT = 0.847
"""Share of the stature; the prominence of the neck's base on the template's own back profile lies there."""
SUPRASTERNALE_HEIGHT = 0.8185
"""Share of the stature, mean of the men and women of ANSUR II."""
NAVEL_HEIGHT = 0.599
WAIST_HEIGHT = 0.64
UNDERBUST_BELOW_NIPPLE_M = 0.064
FINGERS = ("Thumb", "Index", "Middle", "Ring", "Little")


CENTRES = {"eye": "Eye", "wrist": "Hand", "elbow": "LowerArm", "shoulder": "UpperArm"}
CENTRES |= {"hip": "UpperLeg", "knee": "LowerLeg", "ankle": "Foot"}
"""Joint centres that are named points too."""


class Finder:
    """Finds points on the unposed mean body."""

    def __init__(self, model: BodyModel) -> None:
        self.model = model
        self.template: F64 = model.template.astype(np.float64)
        self.faces = np.asarray(model.faces)[~model.inner[model.faces].any(axis=1)]
        self.caster = Raycaster(Mesh(self.template, self.faces))
        self.partner = mirrored_vertices(model)
        self.stature = float(np.ptp(self.template[:, 1]))

    def joint(self, name: str) -> F64:
        return self.model.joint_template[self.model.joint_index(name)]

    def skin(self, *regions: str) -> np.ndarray:
        return self.model.region(*regions) & ~self.model.inner

    def extreme(self, mask: np.ndarray, direction: tuple[float, float, float] | F64) -> Row:
        """The vertex of the mask that lies farthest along a direction."""
        ids = np.flatnonzero(mask)
        return _vertex(int(ids[(self.template[ids] @ np.asarray(direction)).argmax()]))

    def ray(self, origin: F64, direction: tuple[float, float, float] | F64) -> Row:
        """Where a ray from inside the body leaves its skin."""
        hits = self.caster.cast(origin, np.asarray(direction, dtype=np.float64))
        if hits.face_ids[0] < 0:
            raise SystemExit(f"a ray from {origin} along {direction} left the body without meeting its skin")
        corners = self.faces[hits.face_ids[0]]
        return _skin(corners, hits.barycentric[0])

    def near(self, point: F64) -> Row:
        """The point of the skin nearest to a place."""
        return _skin(*barycentric_of(self.template, self.faces, point))

    def mirrored(self, row: Row) -> Row:
        return Row(self.partner[row.vertex_ids], row.vertex_weights, row.joint_ids, row.joint_weights, 0.0)


def _vertex(index: int) -> Row:
    return _skin(np.array([index]), np.ones(1))


def _skin(ids: np.ndarray, weights: F64) -> Row:
    return Row(np.asarray(ids), np.asarray(weights, dtype=np.float64), np.zeros(0, int), np.zeros(0), 0.0)


def body_rows(model: BodyModel, detector: dict[str, Row]) -> dict[str, Row]:
    """Name -> weights of every named point."""
    find = Finder(model)
    rows = _head(find) | {name: detector[f"face_{k}"] for name, k in FACE_POINTS.items()}
    rows |= _trunk(find)
    for name, row in (_arm(find) | _leg(find)).items():
        rows[f"left_{name}"], rows[f"right_{name}"] = row, find.mirrored(row)
    for name, joint in CENTRES.items():
        for side in ("left", "right"):
            index = np.array([model.joint_index(side + joint)])
            rows[f"{side}_{name}_centre"] = Row(np.zeros(0, int), np.zeros(0), index, np.ones(1), 0.0)
    return rows


def _head(find: Finder) -> dict[str, Row]:
    head = find.skin("head")
    template = find.template
    middle = head & (np.abs(template[:, 0]) < 0.003)
    ear = head & (template[:, 0] > 0.92 * template[head, 0].max())
    centre = template[ear].mean(axis=0)
    left_ear = find.near(centre + np.array([0.01, 0.0, 0.0]))
    return {
        "crown": find.extreme(middle, (0, 1, 0)),
        "back_of_head": find.extreme(middle, (0, 0, -1)),
        "nose_tip": find.extreme(middle, (0, 0, 1)),
        "left_ear": left_ear,
        "right_ear": find.mirrored(left_ear),
    }


def _trunk(find: Finder) -> dict[str, Row]:
    template, tall = find.template, find.stature
    torso = find.skin("torso")
    middle = np.flatnonzero(find.skin("torso", "neck") & (np.abs(template[:, 0]) < 0.003))
    height = template[:, 1]

    def profile(level: float, front: bool) -> Row:
        near = middle[np.abs(height[middle] - level) < 0.012]
        split = template[near, 2].mean()
        near = near[(template[near, 2] > split) == front]
        return _vertex(int(near[np.abs(height[near] - level).argmin()]))

    chest = torso & (height > 1.12) & (height < 1.32)
    nipple = find.extreme(chest & (template[:, 0] > 0.09), (0, 0, 1))
    nipple_height = float(height[nipple.vertex_ids[0]])
    buttock = find.skin("torso", "left_upper_leg") & (template[:, 0] > 0.03)
    buttock &= (height > 0.78) & (height < 1.02)
    rows = {
        "c7": profile(C7_HEIGHT * tall, False),
        "suprasternale": profile(SUPRASTERNALE_HEIGHT * tall, True),
        "navel": profile(NAVEL_HEIGHT * tall, True),
        "crotch": find.extreme(torso & (np.abs(template[:, 0]) < 0.003), (0, -1, 0)),
        "left_nipple": nipple,
        "left_buttock": find.extreme(buttock, (0, 0, -1)),
    }
    for name, level in (
        ("waist", WAIST_HEIGHT * tall),
        ("underbust", nipple_height - UNDERBUST_BELOW_NIPPLE_M),
    ):
        at_level = middle[np.abs(height[middle] - level) < 0.03]
        axis = np.array([0.0, level, template[at_level, 2].mean()])
        rows[f"{name}_front"] = find.ray(axis, (0, 0, 1))
        rows[f"{name}_back"] = find.ray(axis, (0, 0, -1))
        rows[f"left_{name}"] = find.ray(axis, (1, 0, 0))
    # The neck rises from the trapezius between the seventh vertebra and the notch of the breastbone.
    neck_axis = (template[rows["c7"].vertex_ids[0]] + template[rows["suprasternale"].vertex_ids[0]]) / 2
    rows["left_neck_base"] = find.ray(neck_axis, (0.8, 0.6, 0.0))
    for name in [name for name in rows if name.startswith("left_")]:
        rows["right_" + name.removeprefix("left_")] = find.mirrored(rows[name])
    return rows


def _arm(find: Finder) -> dict[str, Row]:
    model = find.model
    shoulder, elbow, wrist = (find.joint(f"left{n}") for n in ("UpperArm", "LowerArm", "Hand"))
    across = find.joint("leftIndexProximal") - find.joint("leftLittleProximal")
    along = wrist - elbow
    across -= along * (across @ along) / (along @ along)
    bend = (elbow - shoulder) / np.linalg.norm(elbow - shoulder) - along / np.linalg.norm(along)
    rows = {
        "acromion": find.ray(shoulder + np.array([0.012, 0, 0]), (0, 1, 0)),
        "armpit": find.ray(shoulder - np.array([0.005, 0, 0]), (0, -1, 0)),
        "elbow_tip": find.ray(elbow, bend),
        "wrist_thumb_side": find.ray(wrist, across),
        "wrist_little_side": find.ray(wrist, -across),
    }
    owner = np.asarray(model.skin_weights.argmax(axis=1)).reshape(-1)
    for finger in FINGERS:
        last = model.joint_index(f"left{finger}Distal")
        before = model.parents[last]
        direction = model.joint_template[last] - model.joint_template[before]
        rows[f"{finger.lower()}_fingertip"] = find.extreme(owner == last, direction)
    return rows


def _leg(find: Finder) -> dict[str, Row]:
    hip, knee, ankle = (find.joint(f"left{n}") for n in ("UpperLeg", "LowerLeg", "Foot"))
    foot = find.skin("left_foot")
    return {
        "trochanter": find.ray(hip, (1, 0, 0)),
        "knee_cap": find.ray(knee, (0, 0, 1)),
        "knee_pit": find.ray(knee, (0, 0, -1)),
        "ankle_outer": find.ray(ankle, (1, 0, 0)),
        "ankle_inner": find.ray(ankle, (-1, 0, 0)),
        "heel": find.extreme(foot, (0, 0, -1)),
        "toe_tip": find.extreme(foot, (0, 0, 1)),
    }
