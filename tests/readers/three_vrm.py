"""three-vrm in Chromium: the file as an avatar application takes it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gltf.tools import need_npm_package
from readers.chromium import report_of
from readers.report import ReaderReport


@dataclass(frozen=True)
class VrmSeen:
    """What three-vrm makes of the VRM parts of a file."""

    meta: dict[str, Any]
    human_bones: tuple[str, ...]
    """Humanoid bones that were found."""
    expressions: tuple[str, ...]
    look_at: bool


def read(path: Path, arm: str, shape: str) -> ReaderReport:
    """Return what three-vrm sees; the arm is turned and the shape driven by VRM's own names."""
    return read_vrm(path, shape)[0]


def read_vrm(path: Path, shape: str) -> tuple[ReaderReport, VrmSeen | None]:
    """Return what three-vrm sees, and the VRM parts; None where it is no VRM to it."""
    packages = ("@pixiv/three-vrm", "three")
    report, raw = report_of("three-vrm", "three.html", path, packages, vrm="1", arm="", shape=shape)
    if not report.loaded:
        return report, None
    package = need_npm_package("@pixiv/three-vrm") / "@pixiv/three-vrm/package.json"
    report = replace(report, reader=f"three-vrm {json.loads(package.read_text())['version']}")
    vrm = raw["vrm"]
    seen = VrmSeen(vrm["meta"], tuple(vrm["humanBones"]), tuple(vrm["expressions"]), vrm["lookAt"])
    return report, seen
