"""Files that a scan names: material libraries, texture images, buffers."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath
from typing import BinaryIO

import numpy as np
from PIL import Image

from bodyscan.types import Texture


def find_companion(scan: Path, reference: str, notes: list[str]) -> Path | None:
    """Return the file that `reference` names beside `scan`, or None with a note that says why.

    Only files inside the scan's own folder are read: a scan from a stranger must not be able to name
    any file of this machine. A path that leads elsewhere is tried by its bare file name, because
    exporters write the paths of the machine they ran on.
    """
    folder = scan.parent.resolve()
    reference = reference.strip().strip('"')
    windows = PureWindowsPath(reference)
    inside = folder / reference.replace("\\", "/")
    if not windows.drive and not windows.root:
        resolved = inside.resolve()
        if resolved.is_relative_to(folder):
            if resolved.is_file():
                return resolved
            notes.append(f"{reference} is named by {scan.name} and is not there: it was left out.")
            return None
    bare = (folder / windows.name).resolve() if windows.name else folder
    if bare.is_relative_to(folder) and bare.is_file() and windows.name != scan.name:
        notes.append(f"{reference} lies outside the scan's folder: {windows.name} beside the scan was read.")
        return bare
    notes.append(f"{reference} lies outside the scan's folder: it was ignored.")
    return None


def load_texture(source: Path | BinaryIO, label: str, notes: list[str]) -> Texture | None:
    """Return an image file as a `Texture`, or None with a note where it cannot be read."""
    try:
        with Image.open(source) as image:
            if image.mode.startswith("I"):  # 16 bits a channel would be cut at 255, not scaled
                gray = np.rint(np.asarray(image, dtype=np.float64) / 257.0).clip(0, 255).astype(np.uint8)
                return Texture(np.repeat(gray[..., None], 3, axis=2))
            return Texture(np.asarray(image.convert("RGB"), dtype=np.uint8))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        notes.append(f"The texture {label} could not be read ({str(error)[:120]}): it was left out.")
        return None
