"""Scan to twin: the stages in order. No files are read or written here."""

from __future__ import annotations

from bodyscan.pipeline.fitted import FittedScan, QualityError, model_of, scan_to_fit
from bodyscan.pipeline.options import SURFACES, PipelineOptions
from bodyscan.pipeline.stages import SOFTWARE, OnStage, StageEvent
from bodyscan.pipeline.twin import FittedPerson, PipelineResult, fit_scan, scan_to_twin, twin_of_fit

__all__ = [
    "SOFTWARE",
    "SURFACES",
    "FittedPerson",
    "FittedScan",
    "OnStage",
    "PipelineOptions",
    "PipelineResult",
    "QualityError",
    "StageEvent",
    "fit_scan",
    "model_of",
    "scan_to_fit",
    "scan_to_twin",
    "twin_of_fit",
]
