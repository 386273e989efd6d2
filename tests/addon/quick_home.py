"""What the tests of the steps' operators are given: a quick command, a capture with its consent, a twin."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from addon.blenders import ROOT
from bodyscan.gltf import twin_to_glb
from gltf.complete import with_parts
from gltf.full_size import full_size_twin

SAMPLES = ROOT / "sample_scans"


def quick_home(folder: Path) -> dict[str, Any]:
    """Fill `folder` and return what a script is told of it."""
    folder.mkdir()
    command = folder / "bodyscan"
    script = Path(__file__).with_name("quick_steps.py")
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "{folder}" "$@"\n')
    command.chmod(0o755)
    (folder / "twin.glb").write_bytes(twin_to_glb(with_parts(full_size_twin("t"), size=64)))
    (folder / "ada.ply").write_text("ply, made up\n")
    (folder / "ada.consent.json").write_text((SAMPLES / "woman.consent.json").read_text())
    (folder / "bob.ply").write_text("ply, made up\n")
    return {
        "home": str(folder),
        "command": str(command),
        "capture": str(folder / "ada.ply"),
        "consent": str(folder / "ada.consent.json"),
        "twin": str(folder / "twin.glb"),
    }
