"""The person that a working folder holds, as the pipeline's own values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bodyscan.pipeline import FittedPerson, FittedScan, PipelineOptions, model_of
from bodyscan.pipeline.fitted import measured
from bodyscan.pipeline.parts import colored
from bodyscan.pipeline.stages import Stages
from bodyscan.steps.folder import WorkFolder
from bodyscan.steps.session import earlier_steps
from bodyscan.types import Capture, Measurement, ScanMesh


def fitted_scan(folder: WorkFolder) -> FittedScan:
    """Read scan and fit, with what was marked as not to be trusted. Raises `InputError` without a fit."""
    fit, told = folder.fit(), folder.told("fit")
    scan = trusted(folder.scan(), folder.untrusted())
    measurements = tuple(
        Measurement(row["name"], row["value_cm"], row["iso_8559_1"], row["description"])
        for row in told["values"].get("measurements", [])
    )
    return FittedScan(scan, fit, model_of(fit), measurements, tuple(earlier_steps(told)))


def trusted(scan: ScanMesh, share: np.ndarray | None) -> ScanMesh:
    """Return the scan as a fit sees it: with less confidence where a person said so, `share` (V,) 0..1."""
    if share is None:
        return scan
    return replace(scan, confidence=(scan.confidence * (1 - share)).astype(np.float32))


def capture_of(folder: WorkFolder, scan: ScanMesh) -> Capture:
    """Return what the provenance of a twin says of the input; its surface is the cleaned one."""
    values: dict[str, Any] = folder.told("scan")["values"]
    return Capture(scan.mesh, scan.texture, sha256=scan.sha256, source=str(values["source"]))


def textured_person(folder: WorkFolder, options: PipelineOptions, stages: Stages) -> FittedPerson:
    """Return the person with the textures of the folder, where they are of its fit; else with plain colours.

    Measures a fit that was not measured yet, for it was below the stated quality.
    """
    fitted = fitted_scan(folder)
    stages.steps.extend(fitted.stages)
    if not fitted.measurements:
        again = Stages(None)
        fitted = replace(fitted, measurements=measured(fitted.scan, fitted.fit, again).measurements)
        stages.steps.extend(again.steps)
    fit = fitted.fit if options.surface != "skin" else replace(fitted.fit, surface=fitted.fit.skin)
    textures = folder.textures() if folder.state()["texture"].state == "done" else None
    if textures is None:
        fit = colored(fit, fitted.model, fitted.scan)
    else:
        stages.steps[:] = earlier_steps(folder.told("texture"))
    return FittedPerson(
        capture_of(folder, fitted.scan),
        fitted.scan,
        fit,
        fitted.model,
        fitted.measurements,
        textures,
        options,
        tuple(stages.steps),
    )
