"""A twin converted into all formats, and what `look_at_all` sees in them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bodyscan.convert import FORMATS, Converted, convert_twin
from bodyscan.gltf import GlbBody, read_glb

TIMEOUT_S = 120.0
SPY = """
from pathlib import Path
Path({marker!r}).write_text("run")
"""


@dataclass(frozen=True, eq=False)
class Looks:
    """A twin, its conversions, and what was seen in each."""

    folder: Path
    glb: bytes
    body: GlbBody
    converted: Converted
    listed: tuple[str, ...]
    """What the folder held after the conversion."""
    arrays: dict[str, dict[str, np.ndarray]]
    """Format -> name -> array, from `look_again.py`."""
    facts: dict[str, Any]
    """Format -> facts."""

    def in_order(self, name: str) -> list[int]:
        """Return for each joint of the GLB its place in a format."""
        found = self.facts[name]["joint_names"]
        return [found.index(joint) for joint in self.body.skeleton.joint_names]


def convert_and_look(glb: bytes, folder: Path, *, again: bool = False) -> Looks:
    """Convert a twin into every format, with settings of a user that must not matter, and look at each.

    `again`: also have Blender make GLBs of the FBX and of the .blend.
    """
    source = folder / "twin.glb"
    source.write_bytes(glb)
    settings = folder / "settings"
    startup = settings / "scripts" / "startup"
    startup.mkdir(parents=True)
    (startup / "spy.py").write_text(SPY.format(marker=str(folder / "settings were read")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BLENDER_USER_RESOURCES", str(settings))
        patch.setenv("BLENDER_USER_SCRIPTS", str(settings / "scripts"))
        outputs = {name: folder / f"twin.{name}" for name in FORMATS}
        converted = convert_twin(source, outputs, timeout_s=TIMEOUT_S)
    listed = tuple(sorted(path.name for path in folder.iterdir()))
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("look_again.py")), str(folder), *["again"] * again],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    seen = folder / "looks.json"
    assert seen.is_file(), (
        f"Blender ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    )
    arrays = {}
    for name in FORMATS:
        with np.load(folder / f"{name}.look.npz") as held:
            arrays[name] = dict(held)
    return Looks(folder, glb, read_glb(glb), converted, listed, arrays, json.loads(seen.read_text("utf-8")))
