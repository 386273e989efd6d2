"""Ten poses of a scan studio for `benchmarks/fit.py`, held by living people: nobody stands like a drawing.

Limbs are turned about the world's axes (+Y up, the person faces +Z, the left side is +X), so that a pose
looks the same on every build. Where skin touches skin the last turn is found by bisection on the person's own
surface: the arms of thin and heavy people meet their hips at different angles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bodyscan.body.model import BodyModel
from bodyscan.geometry.raycast import Raycaster
from bodyscan.geometry.rotations import matrix_to_rotvec, rotation_between, rotvec_to_matrix
from bodyscan.simulate.options import RawScanOptions
from bodyscan.simulate.posing import scan_pose
from bodyscan.types import F64, Mesh

SIDES = (("left", 1.0), ("right", -1.0))
TOUCH_M = 0.0015
"""How deep skin is pressed where parts touch."""


@dataclass(frozen=True)
class Pose:
    """A standard pose of `bodyscan.body.poses` and what is turned from there."""

    standard: str = "a"
    arms_down_deg: float = 0.0
    """How much lower the arms hang than in the standard pose."""
    legs: str = "standard"
    both: tuple[tuple[str, tuple[float, float, float]], ...] = ()
    """Joint of the left side, rotation vector in degrees about the world's axes; mirrored for the right."""
    left: tuple[tuple[str, tuple[float, float, float]], ...] = ()
    right: tuple[tuple[str, tuple[float, float, float]], ...] = ()
    touch: str = ""
    """`sides`: each arm is lowered until it meets the body; `hips`: the hands are put onto the hips."""


POSES: dict[str, Pose] = {
    "a": Pose("a"),
    "t": Pose("t"),
    "relaxed": Pose("relaxed"),
    "arms_out": Pose("t", arms_down_deg=22.0),
    "legs_together": Pose("a", legs="together"),
    "arms_at_sides": Pose("relaxed", touch="sides"),
    "arms_up": Pose("t", both=(("Shoulder", (0, 0, 12)), ("UpperArm", (0, 0, 28)))),
    "hands_on_hips": Pose("a", touch="hips"),
    "arms_forward": Pose("t", both=(("Shoulder", (0, -14, 0)), ("UpperArm", (0, -66, -4)))),
    "stride": Pose(
        "relaxed",
        arms_down_deg=-12.0,
        left=(("UpperLeg", (-21, 0, 0)), ("Foot", (21, 0, 0)), ("UpperArm", (14, 0, 0))),
        right=(
            ("UpperLeg", (14, 0, 0)), ("LowerLeg", (14, 0, 0)), ("Foot", (-22, 0, 0)),
            ("UpperArm", (-14, 0, 0)),
        ),
    ),
}  # fmt: skip
HANDS = ("relaxed", "open", "fist", "spread")
SPREAD_DEG = {"Index": 9.0, "Middle": 1.0, "Ring": -8.0, "Little": -18.0}


def pose_person(rng: np.random.Generator, model: BodyModel, name: str, hands: str) -> F64:
    """(J, 3) rotation vectors, radians, of `model`'s mean person in the pose `name` with `hands`."""
    pose, shape = POSES[name], np.zeros(0)
    options = RawScanOptions(
        pose=pose.standard,
        arms_down_deg=pose.arms_down_deg,
        legs=pose.legs,
        hands="open" if hands == "spread" else hands,
    )
    local = rotvec_to_matrix(scan_pose(rng, model, shape, options))
    for side, sign in SIDES:
        for part, (x, y, z) in (*pose.both, *(pose.left if side == "left" else pose.right)):
            mirror = sign if (part, (x, y, z)) in pose.both else 1.0
            _turn(model, local, side + part, np.radians([x, mirror * y, mirror * z]))
        if hands == "spread":
            _spread(model, local, side)
    if pose.touch:
        trunk = _trunk(model, local)
        for side, sign in SIDES:
            if pose.touch == "sides":
                _lower_arm_to_body(model, local, trunk, side, sign)
            else:
                _hand_to_hip(rng, model, local, trunk, side, sign)
    return matrix_to_rotvec(local)


def _world(model: BodyModel, local: F64) -> tuple[F64, F64]:
    """(J, 3, 3) local rotations -> (J, 3, 3) world rotations, (J, 3) joint positions in metres."""
    rest = model.joint_template
    transforms = model.joint_transforms(rest, local, np.zeros(3))
    turned = transforms[:, :, :3]
    return turned, np.einsum("jab,jb->ja", turned, rest) + transforms[:, :, 3]


def _turn(model: BodyModel, local: F64, name: str, rotvec: F64) -> None:
    """Turn a joint with all that hangs on it about the world's axes."""
    _turn_by(model, local, name, rotvec_to_matrix(np.asarray(rotvec, np.float64)))


def _turn_by(model: BodyModel, local: F64, name: str, rotation: F64) -> None:
    joint, (world, _) = model.joint_index(name), _world(model, local)
    above = world[model.parents[joint]]
    local[joint] = above.T @ rotation @ world[joint]


def _spread(model: BodyModel, local: F64, side: str) -> None:
    """Fan the fingers out in the plane of the palm."""
    at = {part: model.joint_template[model.joint_index(side + part)] for part in _knuckles()}
    line, row = at["MiddleProximal"] - at["Hand"], at["IndexProximal"] - at["LittleProximal"]
    axis = np.cross(line, row)
    axis /= np.linalg.norm(axis)
    for finger, degrees in SPREAD_DEG.items():
        joint = model.joint_index(f"{side}{finger}Proximal")
        local[joint] = rotvec_to_matrix(np.radians(degrees) * axis) @ local[joint]


def _knuckles() -> tuple[str, ...]:
    return ("Hand", "MiddleProximal", "IndexProximal", "LittleProximal")


def _trunk(model: BodyModel, local: F64) -> Raycaster:
    """Hips, belly and thighs of the posed person: what an arm can rest on."""
    vertices = _posed(model, local, np.arange(model.num_vertices))
    chest = _world(model, local)[1][model.joint_index("chest"), 1]
    near = model.region("torso", "left_upper_leg", "right_upper_leg") & (vertices[:, 1] < chest)
    return Raycaster(Mesh(vertices, model.faces[near[model.faces].all(axis=1)]))


def _posed(model: BodyModel, local: F64, ids: np.ndarray) -> F64:
    """(K, 3) metres of the vertices `ids`."""
    transforms = model.joint_transforms(model.joint_template, local, np.zeros(3))
    weights = model.skin_weights[ids]
    blended = (weights @ transforms.reshape(-1, 12)).reshape(-1, 3, 4)
    return np.einsum("vab,vb->va", blended[:, :, :3], model.template[ids]) + blended[:, :, 3]


def _clearance(model: BodyModel, local: F64, trunk: Raycaster, *regions: str) -> float:
    """Metres between the regions and the trunk, negative where they overlap."""
    points = _posed(model, local, np.flatnonzero(model.region(*regions)))
    distance, face, nearest = trunk.closest(points)
    corners = trunk.mesh.vertices[trunk.mesh.faces[face]]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return float((distance * np.sign(np.einsum("nc,nc->n", points - nearest, normal))).min())


def _touching(low: float, high: float, clearance_at: Callable[[float], float]) -> float:
    """The value between `low` (overlapping) and `high` (apart) at which parts touch."""
    for _ in range(10):
        middle = (low + high) / 2
        low, high = (low, middle) if clearance_at(middle) > -TOUCH_M else (middle, high)
    return high


def _lower_arm_to_body(model: BodyModel, local: F64, trunk: Raycaster, side: str, sign: float) -> None:
    start, parts = local.copy(), (f"{side}_hand", f"{side}_lower_arm")

    def lifted(degrees: float) -> F64:
        turned = start.copy()
        _turn(model, turned, f"{side}UpperArm", np.radians([0.0, 0.0, sign * degrees]))
        return turned

    angle = _touching(-30.0, 25.0, lambda degrees: _clearance(model, lifted(degrees), trunk, *parts))
    local[:] = lifted(angle)


def _hand_to_hip(
    rng: np.random.Generator, model: BodyModel, local: F64, trunk: Raycaster, side: str, sign: float
) -> None:
    """Elbow out and a little back, palm on the hip, fingers forwards."""
    start, drawn = local.copy(), rng.normal(size=4)
    _, joints = _world(model, start)
    hips, chest = (joints[model.joint_index(name)] for name in ("hips", "chest"))
    level = hips[1] + (0.38 + 0.05 * drawn[0]) * (chest[1] - hips[1])
    skin = trunk.mesh.vertices[np.unique(trunk.mesh.faces)]
    ring = skin[np.abs(skin[:, 1] - level) < 0.02]
    hip = ring[(sign * ring[:, 0]).argmax()]
    pole = np.array([sign, 0.0, -0.35 + 0.08 * drawn[1]])
    fingers = np.array([-0.35 * sign, -0.45 + 0.06 * drawn[2], 0.80])
    palm = np.array([-sign, -0.15, -0.25])

    def held(out_m: float) -> F64:
        turned = start.copy()
        wrist = np.array([hip[0] + sign * out_m, level + 0.02, hip[2] - 0.035 + 0.01 * drawn[3]])
        _reach(model, turned, side, wrist, pole)
        _orient_hand(model, turned, side, sign, fingers, palm)
        return turned

    out_m = _touching(-0.03, 0.12, lambda out: _clearance(model, held(out), trunk, f"{side}_hand"))
    local[:] = held(out_m)


def _reach(model: BodyModel, local: F64, side: str, wrist: F64, pole: F64) -> None:
    """Two bones to a target: the elbow lies towards `pole`."""
    names = [side + part for part in ("UpperArm", "LowerArm", "Hand")]
    shoulder, elbow, hand = (_world(model, local)[1][model.joint_index(name)] for name in names)
    upper, lower = np.linalg.norm(elbow - shoulder), np.linalg.norm(hand - elbow)
    span = wrist - shoulder
    length = min(float(np.linalg.norm(span)), 0.999 * (upper + lower))
    along = span / np.linalg.norm(span)
    share = (upper**2 + length**2 - lower**2) / (2 * length)
    aside = pole - along * (pole @ along)
    bent = shoulder + share * along + np.sqrt(max(upper**2 - share**2, 0)) * aside / np.linalg.norm(aside)
    _turn_by(model, local, names[0], rotation_between(elbow - shoulder, bent - shoulder))
    _, joints = _world(model, local)
    now = joints[model.joint_index(names[2])] - joints[model.joint_index(names[1])]
    _turn_by(model, local, names[1], rotation_between(now, shoulder + length * along - bent))


def _orient_hand(model: BodyModel, local: F64, side: str, sign: float, fingers: F64, palm: F64) -> None:
    """Point the fingers along `fingers` with the palm towards `palm`; the forearm takes part of the roll."""
    world, joints = _world(model, local)
    at = {part: joints[model.joint_index(side + part)] for part in (*_knuckles(), "LowerArm")}
    line, row = at["MiddleProximal"] - at["Hand"], at["IndexProximal"] - at["LittleProximal"]
    wanted = _frame(fingers, sign * np.cross(palm, fingers))
    turn = wanted @ _frame(line, row).T
    bone = at["Hand"] - at["LowerArm"]
    bone /= np.linalg.norm(bone)
    roll = 0.6 * float(matrix_to_rotvec(turn) @ bone)
    _turn(model, local, f"{side}LowerArm", roll * bone)
    hand = model.joint_index(f"{side}Hand")
    above = _world(model, local)[0][model.parents[hand]]
    local[hand] = above.T @ turn @ world[hand]


def _frame(first: F64, second: F64) -> F64:
    """(3, 3) orthonormal columns: along `first`, towards `second`, and their cross product."""
    a = first / np.linalg.norm(first)
    b = second - a * (second @ a)
    b /= np.linalg.norm(b)
    return np.stack([a, b, np.cross(a, b)], axis=1)
