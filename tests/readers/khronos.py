"""The Khronos glTF validator: what it says of the file, and what the file's own document declares."""

from __future__ import annotations

import json
from pathlib import Path

from bodyscan.gltf.khronos import khronos_findings
from gltf.tools import need_npm_package
from readers.report import ReaderReport

BLAMES = ("error", "warning")


def read(path: Path, arm: str, shape: str) -> ReaderReport:
    """Return errors and warnings as problems; the validator shows and moves nothing."""
    modules = need_npm_package("gltf-validator")
    version = json.loads((modules / "gltf-validator" / "package.json").read_text())["version"]
    findings = khronos_findings(path, modules)
    return ReaderReport(
        reader=f"Khronos validator {version}",
        loaded=not any(finding.severity == "error" for finding in findings),
        problems=tuple(
            f"{finding.severity}: {finding.code} {finding.message} {finding.pointer}"
            for finding in findings
            if finding.severity in BLAMES
        ),
    )
