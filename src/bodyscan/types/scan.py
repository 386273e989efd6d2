"""What arrives from a scanner, as it is and cleaned."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bodyscan.errors import InputError
from bodyscan.types.arrays import F32, F64, frozen_array, set_fields
from bodyscan.types.mesh import Mesh, Photo, Texture


@dataclass(frozen=True, eq=False)
class Capture:
    """What arrived from outside, as it arrived: no unit, axis or surface was changed.

    `unit`, `up` and `facing` are what the person who runs the job said, or None: to be inferred.
    """

    mesh: Mesh
    """Vertices in the file's own unit and axes (float64)."""
    texture: Texture | None = None
    unit: str | None = None
    """One of `m`, `cm`, `mm`, `in`, or None."""
    up: str | None = None
    """One of `+x -x +y -y +z -z`, or None."""
    facing: str | None = None
    """One of `+x -x +y -y +z -z`, or None."""
    sha256: str = ""
    """Hex digest of the input file's bytes; empty where the capture did not come from a file."""
    source: str = ""
    """The file's name without its folder."""
    file_format: str = ""
    """Lower-case extension of the file, without the dot."""
    notes: tuple[str, ...] = ()
    """What the reader saw that a person should know (dropped vertices, several materials ...)."""
    photos: tuple[Photo, ...] = ()
    """Photos of the person with cameras, in the mesh's own unit and axes: colour for the twin's texture."""
    confidence: F32 | None = None
    """(V,) float32, 0..1: how far the scanner trusts each vertex, or None where it does not say."""

    def __post_init__(self) -> None:
        if self.confidence is not None:
            count = len(self.mesh.vertices)
            trust = frozen_array("Capture.confidence", self.confidence, np.float32, (count,))
            set_fields(self, confidence=trust)


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Named points of the person's body, found on or near a scan's surface."""

    names: tuple[str, ...]
    """Names as in `bodyscan.body.landmarks.LANDMARK_NAMES` (for example `left_wrist`)."""
    positions: F64
    """(L, 3) float64, metres, world frame."""
    confidence: F32
    """(L,) float32, 0..1; the weight that a solver should give the point."""
    kind: tuple[str, ...] = ()
    """(L) `joint` for the centre of a joint inside the body, `surface` for a point on the skin."""
    source: str = "mediapipe"
    """Which detector found them."""

    def __post_init__(self) -> None:
        count = len(self.names)
        set_fields(
            self,
            positions=frozen_array("Landmarks.positions", self.positions, np.float64, (count, 3)),
            confidence=frozen_array("Landmarks.confidence", self.confidence, np.float32, (count,)),
        )
        if len(self.kind) not in (0, count):
            raise InputError(f"Landmarks.kind has {len(self.kind)} entries for {count} names.")


@dataclass(frozen=True, eq=False)
class ScanMesh:
    """A cleaned scan of one person in the world frame: what the fit takes."""

    mesh: Mesh
    """World frame; for clouds `mesh.normals` is set."""
    confidence: F32
    """(V,) float32, 0..1: how far a vertex can be trusted (borders, thin crumbs and floor are low)."""
    texture: Texture | None = None
    world_from_input: F64 = field(default_factory=lambda: np.eye(4))
    """(4, 4) float64 similarity that took the input file's coordinates to the world frame."""
    unit: str = "m"
    """The input file's unit, given or inferred."""
    up: str = "+y"
    """The input file's up axis."""
    facing: str = "+z"
    """The input file's axis nearest to where the person faces."""
    inferred: tuple[str, ...] = ()
    """Which of `unit`, `up`, `facing` were inferred and not given."""
    landmarks: Landmarks | None = None
    """Body landmarks in the world frame, or None where no detector saw the person."""
    sha256: str = ""
    """Hex digest of the input file's bytes."""
    notes: tuple[str, ...] = ()
    """What was seen and what was repaired, in plain sentences."""
    photos: tuple[Photo, ...] = ()
    """Photos of the person with cameras, in the world frame: colour for the twin's texture."""

    def __post_init__(self) -> None:
        count = len(self.mesh.vertices)
        set_fields(
            self,
            confidence=frozen_array("ScanMesh.confidence", self.confidence, np.float32, (count,)),
            world_from_input=frozen_array(
                "ScanMesh.world_from_input", self.world_from_input, np.float64, (4, 4)
            ),
        )
