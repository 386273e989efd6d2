"""How a person moved through a depth capture, and how well its frames agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.body.model import BodyModel, joint_positions
from bodyscan.fit.sequence import SequenceFit
from bodyscan.geometry.rotations import rotation_between
from bodyscan.types import F64

USUAL = 95.0
"""Percent of the frames that "up to" speaks of: in single ones the sensor's noise moves a joint too."""


@dataclass(frozen=True, eq=False)
class MotionFound:
    """Distances from the mean pose over a capture, millimetres."""

    sway_mm: float
    """How far the head goes from its mean place over the feet, which stand, in 95 of 100 frames."""
    sway_rms_mm: float
    """Root mean square of the same."""
    arms_mm: float
    """How far a wrist goes from its mean place as the chest sees it, in 95 of 100 frames."""
    head_way_mm: F64
    """(N, 3) of the head in each frame."""

    @property
    def words(self) -> str:
        """In a sentence."""
        return f"the head sways by up to {self.sway_mm:.0f} mm, the arms drift by up to {self.arms_mm:.0f} mm"


def motion_found(model: BodyModel, sequence: SequenceFit, ups: F64 | None = None) -> MotionFound:
    """Read the motion off a sequence of poses of `model`.

    Tracked camera poses follow the person: whoever leans as a whole, tilts the cameras instead. `ups` (N, 3)
    is against gravity as each frame's floor has it, in the world of the poses, and takes that back; without
    it only what bends is found.
    """
    rest = model.rest_joints(sequence.mean.betas)
    names = ("head", "upperChest", "leftHand", "rightHand", "leftFoot", "rightFoot")
    head, chest, left, right, *feet = (model.joint_index(name) for name in names)
    heads, wrists = [], []
    for k, params in enumerate(sequence.params):
        world = model.pose(params).world_from_rest
        places = joint_positions(world, rest)
        over_feet = places[head] - places[feet].mean(axis=0)
        if ups is not None:
            over_feet = rotation_between(ups[k], np.array([0.0, 1.0, 0.0])) @ over_feet
        heads.append(over_feet)
        rotation = world[chest, :, :3]
        wrists.append([rotation.T @ (places[j] - places[chest]) for j in (left, right)])
    way = np.array(heads) - np.mean(heads, axis=0)
    arms = np.array(wrists) - np.mean(wrists, axis=0)
    far = np.linalg.norm(way, axis=1) * 1000
    return MotionFound(
        float(np.percentile(far, USUAL)),
        float(np.sqrt((far**2).mean())),
        float(np.percentile(np.linalg.norm(arms, axis=2).max(axis=1), USUAL)) * 1000,
        way * 1000,
    )
