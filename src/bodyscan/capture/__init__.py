"""What arrives from outside, as a `Capture`: one reader a file format."""

from __future__ import annotations

from bodyscan.capture.photos import read_photos
from bodyscan.capture.read import EXTENSIONS, read_scan

__all__ = ["EXTENSIONS", "read_photos", "read_scan"]
