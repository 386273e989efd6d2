"""How a rig is made."""

from __future__ import annotations

from dataclasses import dataclass

from bodyscan.errors import InputError
from bodyscan.rig.skeleton import JOINT_SETS

POSES = ("captured", "a", "t")


@dataclass(frozen=True)
class RigOptions:
    """What a rig is bound to, and how weights get onto a scan."""

    joints: str = "hands"
    """`body` (22 joints), `hands` (52, with fingers) or `full` (55, with jaw and eyes)."""
    pose: str = "captured"
    """The pose that the mesh is bound in: `captured`, `a` or `t`."""
    max_distance_m: float = 0.04
    """Scan vertices farther from the fitted surface take no weights from it directly, metres, above 0."""
    max_normal_angle_deg: float = 60.0
    """Nor do those whose normal turns away from the fitted surface's by more, degrees, 0 to 180."""
    smoothing: float = 0.5
    """0..1: how strongly transferred weights are smoothed over the scan's surface; 0 is off."""

    def __post_init__(self) -> None:
        if self.joints not in JOINT_SETS:
            raise InputError(f"RigOptions.joints is '{self.joints}'; possible are {', '.join(JOINT_SETS)}.")
        if self.pose not in POSES:
            raise InputError(f"RigOptions.pose is '{self.pose}'; possible are {', '.join(POSES)}.")
        if not self.max_distance_m > 0:
            raise InputError(f"RigOptions.max_distance_m is {self.max_distance_m}; give more than 0 metres.")
        if not 0 <= self.max_normal_angle_deg <= 180:
            raise InputError(
                f"RigOptions.max_normal_angle_deg is {self.max_normal_angle_deg}; give 0 to 180 degrees."
            )
        if not 0 <= self.smoothing <= 1:
            raise InputError(f"RigOptions.smoothing is {self.smoothing}; give 0 to 1.")
