"""How a person who stands still for a scan moves all the same: sway, arms that drift, breath.

Standing people sway as an inverted pendulum about the ankles, forwards and sideways, mostly below 0.3 Hz
(Winter 1995, "Human balance and posture control during standing and walking"); at rest they breathe 12 to 20
times a minute. The curves are sums of waves of such frequencies, drawn from a seed, with the mean 0 over the
capture, so that the mean pose is the reference pose.

The feet stand exactly: the pelvis moves sideways, forwards and leans, its height and roll are solved so that
both legs keep their length (a four-bar linkage), the legs turn after it, and the feet turn back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.body.model import BodyModel, joint_positions
from bodyscan.geometry.normals import vertex_normals
from bodyscan.geometry.rotations import matrix_to_rotvec, rotvec_to_matrix
from bodyscan.simulate.depth_options import DepthRigOptions
from bodyscan.simulate.smooth_noise import smoothstep
from bodyscan.types import F64, BodyParams

SWAY_HZ = (0.03, 0.3)
ARM_HZ = (0.03, 0.2)
BREATH_HZ = (0.2, 0.33)
SPINE = ("spine", "chest", "upperChest")
PELVIS_SHARE = 0.55
"""Share of the head's way that the pelvis goes: its share of the head's height."""
SPINE_SHARE = 0.12
"""What the spine does by itself, as a share of the head's way."""
ELBOW_SHARE = 0.5
"""The elbow's turn as a share of the shoulder's."""
SCALINGS = 6
"""How often a motion is measured and made larger or smaller; each time the error falls a hundredfold."""


@dataclass(frozen=True, eq=False)
class Motion:
    """A body's pose at N instants."""

    pose_rotvec: F64
    """(N, J, 3) float64, radians, as in `BodyParams`."""
    translation: F64
    """(N, 3) float64, metres, as in `BodyParams`."""
    breath_m: F64
    """(N,) float64, metres: how far the front of the chest is out of its mean place."""

    @property
    def is_still(self) -> bool:
        """True where all instants show one pose."""
        parts = (self.pose_rotvec, self.translation, self.breath_m)
        return all(bool((part == part[:1]).all()) for part in parts)


def person_motion(
    rng: np.random.Generator, model: BodyModel, params: BodyParams, times_s: F64, options: DepthRigOptions
) -> Motion:
    """The person of `params` (the reference pose) at `times_s` (N,) seconds, as `options` says they move.

    Each kind of motion draws from a stream of its own, so that one does not change the others.
    """
    streams = [np.random.default_rng(int(k)) for k in rng.integers(0, 2**63, 3)]
    count = len(times_s)
    breath = _waves(streams[2], times_s, 1, BREATH_HZ)[:, 0] * options.breath_mm / 1000
    if not (options.sway_mm or options.arm_drift_mm):
        pose = np.broadcast_to(params.pose_rotvec, (count, *params.pose_rotvec.shape))
        return Motion(pose, np.broadcast_to(params.translation, (count, 3)), breath)
    body = _Body(model, params)
    local = np.tile(rotvec_to_matrix(params.pose_rotvec), (count, 1, 1, 1))
    moved = np.tile(params.translation, (count, 1))
    local = body.arms(local, streams[1], times_s, options.arm_drift_mm / 1000)
    local, moved = body.sway(local, moved, streams[0], times_s, options.sway_mm / 1000)
    return Motion(np.stack([matrix_to_rotvec(each) for each in local]), moved, breath)


def breath_field(model: BodyModel, rest: F64) -> F64:
    """(V, 3), longest 1: the way of the unposed skin `rest` (V, 3) when the chest goes out by 1.

    Chest and belly move outwards and forwards, the front most and the back not at all.
    """
    normals = vertex_normals(rest, model.faces)
    joints = [model.joint_index(name) for name in SPINE]
    torso = np.asarray(model.skin_weights[:, joints].sum(axis=1)).reshape(-1)
    field = (torso * smoothstep(-0.2, 0.9, normals[:, 2]))[:, None] * (normals + np.eye(3)[2])
    return field / np.linalg.norm(field, axis=1).max()


def _waves(rng: np.random.Generator, times_s: F64, channels: int, hertz: tuple[float, float]) -> F64:
    """(N, channels) smooth curves of mean 0, the longest row of length 1; slower waves are larger."""
    low, high = hertz
    frequencies = np.exp(rng.uniform(np.log(low), np.log(high), (4, channels)))
    phases = rng.uniform(0, 2 * np.pi, (4, channels))
    angles = 2 * np.pi * times_s[:, None, None] * frequencies + phases
    curves = (np.cos(angles) * (low / frequencies)).sum(axis=1)
    curves -= curves.mean(axis=0)
    longest = float(np.linalg.norm(curves, axis=1).max())
    return curves / longest if longest > 1e-12 else np.zeros_like(curves)


def _greatest(way: F64) -> float:
    """Greatest distance of (N, 3) from its mean."""
    return float(np.linalg.norm(way - way.mean(axis=0), axis=1).max())


class _Body:
    """The reference pose, and what turns it."""

    def __init__(self, model: BodyModel, params: BodyParams) -> None:
        self.model = model
        self.rest = model.rest_joints(params.betas)
        local = rotvec_to_matrix(params.pose_rotvec)
        self.world = model.joint_transforms(self.rest, local, params.translation)
        self.joints = joint_positions(self.world, self.rest)
        self.height = float(self.at("head")[1] - self.ankles()[:, 1].mean())

    def at(self, name: str) -> F64:
        return self.joints[self.model.joint_index(name)]

    def ankles(self) -> F64:
        return np.stack([self.at(f"{side}Foot") for side in ("left", "right")])

    def way(self, local: F64, moved: F64, name: str, base: str | None = None) -> F64:
        """(N, 3) place of a joint in the world, or in the frame of joint `base`."""
        out = np.empty((len(local), 3))
        j = self.model.joint_index(name)
        for k in range(len(local)):
            world = self.model.joint_transforms(self.rest, local[k], moved[k])
            out[k] = world[j, :, :3] @ self.rest[j] + world[j, :, 3]
            if base is not None:
                frame = world[self.model.joint_index(base)]
                out[k] = frame[:, :3].T @ (out[k] - frame[:, 3])
        return out

    def arms(self, local: F64, rng: np.random.Generator, times_s: F64, size_m: float) -> F64:
        """Both arms drift until each wrist is at most `size_m` from its mean place beside the chest."""
        still = np.zeros((len(local), 3))
        for side in ("left", "right"):
            curves = _waves(rng, times_s, 6, ARM_HZ)
            if not (size_m and curves.any()):
                continue
            joints = [self.model.joint_index(side + part) for part in ("UpperArm", "LowerArm")]
            scale = size_m / float(np.linalg.norm(self.at(f"{side}Hand") - self.at(f"{side}UpperArm")))
            turned = local
            for _ in range(SCALINGS):
                turned = local.copy()
                for j, part, share in zip(
                    joints, (curves[:, :3], curves[:, 3:]), (1, ELBOW_SHARE), strict=True
                ):
                    turned[:, j] = rotvec_to_matrix(scale * share * part) @ local[:, j]
                scale *= size_m / _greatest(self.way(turned, still, f"{side}Hand", "upperChest"))
            local = turned
        return local

    def sway(
        self, local: F64, moved: F64, rng: np.random.Generator, times_s: F64, size_m: float
    ) -> tuple[F64, F64]:
        """The whole body sways until the head is at most `size_m` from its mean place."""
        whole, own = _waves(rng, times_s, 2, SWAY_HZ), _waves(rng, times_s, 3, SWAY_HZ)
        if not (size_m and whole.any()):
            return local, moved
        scale, swayed, gone = size_m, local, moved
        for _ in range(SCALINGS):
            swayed, gone = self._swayed(local, moved, scale * whole, scale * own)
            scale *= size_m / _greatest(self.way(swayed, gone, "head"))
        return swayed, gone

    def _swayed(self, local: F64, moved: F64, whole: F64, own: F64) -> tuple[F64, F64]:
        """`whole` (N, 2) the head's way to the left and forwards, `own` (N, 3) what the spine adds,
        metres."""
        count = len(local)
        lean = whole[:, 1] / self.height
        turn, shift = self._pelvis(PELVIS_SHARE * whole[:, 0], PELVIS_SHARE * whole[:, 1], lean)
        out = local.copy()
        out[:, 0] = turn @ local[:, 0]
        # The head goes on where the pelvis alone does not take it, by a bend that three joints share.
        torso = float(self.at("head")[1] - self.at("hips")[1])
        bend = np.zeros((count, 3))
        bend[:, 2] = -(1 - PELVIS_SHARE) * whole[:, 0] / torso
        bend += SPINE_SHARE * own / torso
        for name in SPINE:
            j = self.model.joint_index(name)
            out[:, j] = rotvec_to_matrix(bend / len(SPINE)) @ local[:, j]
        root = self.world[0, :, :3]
        for side in ("left", "right"):
            self._stand(out, turn @ root, turn, shift, side)
        return out, moved + shift

    def _pelvis(self, left: F64, ahead: F64, lean: F64) -> tuple[F64, F64]:
        """(N,) ways and lean -> (N, 3, 3) turn, (N, 3) shift of the pelvis that keep both legs' lengths."""
        hips = np.stack([self.at(f"{side}UpperLeg") for side in ("left", "right")]) - self.at("hips")
        lengths = np.linalg.norm(self.at("hips") + hips - self.ankles(), axis=1)
        unknown = np.zeros((len(left), 2))  # upwards in metres, roll in radians

        def placed(values: F64) -> tuple[F64, F64, F64]:
            turn = rotvec_to_matrix(_axes(values[:, 1], 2)) @ rotvec_to_matrix(_axes(lean, 0))
            shift = np.stack([left, values[:, 0], ahead], axis=1)
            at = np.einsum("nij,sj->nsi", turn, hips) + (self.at("hips") + shift)[:, None]
            return turn, shift, np.linalg.norm(at - self.ankles(), axis=2) - lengths

        for _ in range(6):
            off = placed(unknown)[2]
            slope = np.stack([(placed(unknown + step)[2] - off) / 1e-6 for step in 1e-6 * np.eye(2)], axis=2)
            unknown -= np.linalg.solve(slope, off[:, :, None])[:, :, 0]
        turn, shift, _ = placed(unknown)
        return turn, shift

    def _stand(self, local: F64, pelvis: F64, turn: F64, shift: F64, side: str) -> None:
        """Turn one straight leg from the moved hip to the ankle that stands; the foot turns back."""
        names = (side + part for part in ("UpperLeg", "LowerLeg", "Foot"))
        upper, lower, foot = (self.model.joint_index(name) for name in names)
        hip, ankle = self.joints[upper], self.joints[foot]
        moved = (hip - self.at("hips")) @ turn.transpose(0, 2, 1) + self.at("hips") + shift
        swing = _between(np.broadcast_to(ankle - hip, moved.shape), ankle - moved)
        local[:, upper] = pelvis.transpose(0, 2, 1) @ swing @ self.world[upper, :, :3]
        shin = swing @ self.world[lower, :, :3]
        local[:, foot] = shin.transpose(0, 2, 1) @ self.world[foot, :, :3]


def _axes(angles: F64, axis: int) -> F64:
    out = np.zeros((len(angles), 3))
    out[:, axis] = angles
    return out


def _between(start: F64, end: F64) -> F64:
    """(N, 3, 3) smallest turns that take directions `start` (N, 3) to `end` (N, 3)."""
    axis = np.cross(start, end)
    sine = np.linalg.norm(axis, axis=1)
    angle = np.arctan2(sine, np.einsum("nk,nk->n", start, end))
    return rotvec_to_matrix(axis * (angle / np.maximum(sine, 1e-300))[:, None])
