"""A person's body as garment software reads it: posed skin, measurements, parts, in one folder."""

from __future__ import annotations

from bodyscan.garment.body import GarmentBody, GarmentBodyOptions, garment_body, pose_options
from bodyscan.garment.folder import FolderNotes, body_files, check_empty, write_folder

__all__ = [
    "FolderNotes",
    "GarmentBody",
    "GarmentBodyOptions",
    "body_files",
    "check_empty",
    "garment_body",
    "pose_options",
    "write_folder",
]
