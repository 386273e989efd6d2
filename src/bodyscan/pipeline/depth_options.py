"""Options of a depth capture's reconstruction."""

from __future__ import annotations

from dataclasses import dataclass, field

from bodyscan.errors import InputError
from bodyscan.fit.sequence import SequenceOptions
from bodyscan.reconstruct.depth.fuse import FuseOptions
from bodyscan.reconstruct.depth.points import PointOptions
from bodyscan.reconstruct.depth.segment import SegmentOptions
from bodyscan.reconstruct.depth.track import TrackOptions

POSES = ("auto", "given", "track")
MOTION = ("auto", "rigid", "body")


@dataclass(frozen=True)
class DepthOptions:
    """Options of `depth_to_scan`."""

    segment: SegmentOptions = field(default_factory=SegmentOptions)
    """Whom of the people in the frames is meant."""
    points: PointOptions = field(default_factory=PointOptions)
    """Which pixels count."""
    track: TrackOptions = field(default_factory=TrackOptions)
    """How camera poses are found."""
    sequence: SequenceOptions = field(default_factory=SequenceOptions)
    """How the person's motion is found."""
    fuse: FuseOptions = field(default_factory=FuseOptions)
    """How the points become a surface."""
    poses: str = "auto"
    """`given`: the capture's poses as they are. `track`: found anew. `auto`: given ones where there are any,
    moved where frames that see the same do not agree; found otherwise."""
    motion: str = "auto"
    """`rigid`: the person is taken to stand like a statue. `body`: the body model follows their sway. `auto`:
    both are tried, and the one is kept under which the frames agree better."""
    voxel_mm: float | None = None
    """1 to 10 mm: side of the fused surface's cells; None: 3 to 12 mm, as closely as the points lie."""
    max_frames: int = 240
    """10 to 5,000: of more frames, as many as this are taken evenly."""
    accept_open: bool = False
    """Take a capture that does not go all the way around the person too."""

    def __post_init__(self) -> None:
        if self.poses not in POSES:
            raise InputError(f"DepthOptions.poses is '{self.poses}'; possible: {', '.join(POSES)}.")
        if self.motion not in MOTION:
            raise InputError(f"DepthOptions.motion is '{self.motion}'; possible: {', '.join(MOTION)}.")
        if self.voxel_mm is not None and not 1 <= self.voxel_mm <= 10:
            raise InputError(f"DepthOptions.voxel_mm is {self.voxel_mm}; possible: 1 to 10 mm.")
        if not 10 <= self.max_frames <= 5000:
            raise InputError(f"DepthOptions.max_frames is {self.max_frames}; possible: 10 to 5000.")
