"""A run whose long part is left out: the fit is that of a stick person, the twin a small one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.consent import Purpose, Use
from bodyscan.consent.demo import make_demo_consent
from bodyscan.consent.key_files import save_private_key
from bodyscan.pipeline import FittedPerson, PipelineOptions, PipelineResult, QualityError, StageEvent
from bodyscan.run.twin import TwinJob
from bodyscan.twin.assemble import TwinParts, assemble_twin
from bodyscan.types import Capture, Twin
from gltf.complete import checker_textures
from gltf.shapes import small_twin
from render.shapes import made_twin

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DEMO = make_demo_consent("Alba")
QUICK: dict[str, Any] = {
    "width": 200,
    "height": 240,
    "face_height": 200,
    "render": {"occlusion_rays": 0, "shadow_rays": 0, "edge_samples": 1},
}
CUBE = """ply
format ascii 1.0
element vertex 4
property float x
property float y
property float z
element face 4
property list uchar int vertex_indices
end_header
0 0 0
1 0 0
0 1 0
0 0 1
3 0 2 1
3 0 1 3
3 0 3 2
3 1 2 3
"""


def folder_with_inputs(folder: Path) -> Path:
    """Write a consent, its controller's key and a small scan into `folder` and return it."""
    (folder / "consent.json").write_text(DEMO.text)
    (folder / "scan.ply").write_text(CUBE)
    save_private_key(DEMO.controller_key, folder / "studio.jwk")
    return folder


def job_in(folder: Path, **changes: Any) -> TwinJob:
    """Return a job on what `folder_with_inputs` wrote; `changes` are fields of `TwinJob`."""
    values: dict[str, Any] = {
        "scan": folder / "scan.ply",
        "consent": folder / "consent.json",
        "output": folder / "twin.glb",
        "report": None,
        "controller_key": None,
        "passphrase_file": None,
        "config": None,
        "use": Use(Purpose.MAKE_TWIN),
        "now": NOW,
        "ledger": folder / "ledger.sqlite",
        "flags": {"pictures": QUICK},
    }
    return TwinJob(**(values | changes))


def bound_twin(about: dict[str, Any], pose: str) -> Twin:
    """Return a small textured twin, bound anew; that in the T-pose stands a hand's breadth higher."""
    made = small_twin()
    up = np.array([0.0, 0.1 if pose == "t" else 0.0, 0.0])
    rig = replace(made.rig, mesh=replace(made.rig.mesh, vertices=made.rig.mesh.vertices + up))
    return assemble_twin(
        rig,
        made.morphs,
        made.measurements,
        made.landmarks,
        made.provenance,
        **about,
        pose=pose,
        vertex_source=made.vertex_source,
        parts=TwinParts(textures=checker_textures()),
    )


def leave_out_the_fit(patch: pytest.MonkeyPatch, *, refused: str = "") -> None:
    """Let the pipeline return at once; with `refused`, raise that of the fit's quality."""
    scan, fit, _ = made_twin(refused)

    def result(capture: Capture, about: dict[str, Any], options: PipelineOptions) -> PipelineResult:
        twin = bound_twin(about, options.rig.pose)
        fitted = FittedPerson(capture, scan, fit, load_body_model("adult"), (), None, options, ())
        return PipelineResult(capture, scan, fit, twin, (), fitted, ("Look here.",))

    def scan_to_twin(capture: Capture, *, options, expressions, earlier, on_stage, **about) -> PipelineResult:
        on_stage(StageEvent("fit", "start"))
        if refused:
            raise QualityError(refused, scan, fit, ())
        on_stage(StageEvent("fit", "done", 0.5, "a stick"))
        return result(capture, about, options)

    def twin_of_fit(fitted: FittedPerson, *, options, expressions, **about) -> PipelineResult:
        return result(fitted.capture, about, options)

    patch.setattr("bodyscan.pipeline.scan_to_twin", scan_to_twin)
    # Bound where it is used: that file imports the pipeline as a whole.
    patch.setattr("bodyscan.run.twin_files.twin_of_fit", twin_of_fit)
