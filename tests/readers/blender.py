"""Blender (`bpy`) in a process of its own: its glTF importer, the body posed, its exporter."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from gltf.tools import need_module
from readers.report import ARM_DEGREES, ReaderReport, TextureSeen, refused

SCRIPT = Path(__file__).with_name("blender_look.py")
TIMEOUT_S = 120


def read(path: Path, arm: str, shape: str) -> ReaderReport:
    """Return what Blender sees; `arm` and `shape` are the file's names of what is moved."""
    need_module("bpy")
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder) / "again.glb"
        arguments = [path, arm, f"{ARM_DEGREES:g}", shape, again]
        done = subprocess.run(
            [sys.executable, str(SCRIPT), *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        lines = done.stdout.splitlines()
        problems = tuple(line for line in lines if "WARNING" in line or "ERROR" in line)
        if not (report := _line(lines, "REPORT ")) or not (look := _line(lines, "LOOK ")):
            told = [line.removeprefix("REFUSED ") for line in lines if line.startswith("REFUSED ")]
            return refused("Blender", *problems, *(told or [done.stderr[-1000:]]))
        rest = np.array(report["rest"])
        return ReaderReport(
            reader=f"Blender {look['version']}",
            loaded=True,
            problems=problems,
            joints=tuple(report["bones"]),
            morphs=tuple(report["shapes"][1:]),
            textures=tuple(TextureSeen(**(one | {"mean": tuple(one["mean"])})) for one in look["textures"]),
            triangles=look["triangles"],
            height_m=float(np.ptp(rest[:, 1])),
            arm_m=_farthest(rest, report["posed"]),
            jaw_m=_farthest(rest, report["with_shape"]),
            extras=report["consent"] is not None,
            again=again.read_bytes(),
        )


def _line(lines: list[str], start: str) -> dict[str, Any] | None:
    return next((json.loads(line[len(start) :]) for line in lines if line.startswith(start)), None)


def _farthest(before: np.ndarray, after: list[list[float]]) -> float:
    return float(np.linalg.norm(np.array(after) - before, axis=1).max())
