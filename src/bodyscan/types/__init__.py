"""The values that flow between the stages.

World frame: metres, radians, right-handed, +Y up, the person faces +Z, as in glTF. The person's left
is +X. Arrays are checked when a value is built, read-only afterwards. Transforms: `target_from_source`.
"""

from __future__ import annotations

from bodyscan.types.arrays import F32, F64, I32, U8, U16, Bool, frozen_array
from bodyscan.types.body import BodyFit, BodyParams, FitQuality, Skeleton
from bodyscan.types.depth import SENSORS, DepthCapture, DepthFrame, FramePoints
from bodyscan.types.mesh import Mesh, Photo, Texture
from bodyscan.types.scan import Capture, Landmarks, ScanMesh
from bodyscan.types.twin import (
    Capsule,
    CollisionBody,
    Level,
    Measurement,
    Morph,
    Provenance,
    ProvenanceStep,
    Rig,
    SkinTextures,
    Twin,
    measurement_values,
)

__all__ = [
    "F32",
    "F64",
    "I32",
    "SENSORS",
    "U8",
    "U16",
    "BodyFit",
    "BodyParams",
    "Bool",
    "Capsule",
    "Capture",
    "CollisionBody",
    "DepthCapture",
    "DepthFrame",
    "FitQuality",
    "FramePoints",
    "Landmarks",
    "Level",
    "Measurement",
    "Mesh",
    "Morph",
    "Photo",
    "Provenance",
    "ProvenanceStep",
    "Rig",
    "ScanMesh",
    "Skeleton",
    "SkinTextures",
    "Texture",
    "Twin",
    "frozen_array",
    "measurement_values",
]
