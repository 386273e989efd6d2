"""What a person should know of a result that is good enough to be used."""

from __future__ import annotations

import numpy as np

from bodyscan.geometry.normals import vertex_areas
from bodyscan.pipeline.fitted import model_of
from bodyscan.pipeline.options import PipelineOptions
from bodyscan.types import BodyFit, ScanMesh, SkinTextures

MUCH_CLOTH = 0.5
"""0..1, share of the surface below the neck from which a warning says that the person is clothed."""
FULL_COVERAGE = 0.75
"""0..1, below which a warning says that much of the twin is guessed. Scans of a whole person reach 0.85."""
MUCH_FILLED = 0.7
"""0..1, share of the skin that the scan's colour shows, below which a warning tells how much is filled in."""


def _clothed_share(fit: BodyFit) -> float:
    """0..1, share of the surface below the neck that cloth covers, by area."""
    model = model_of(fit)
    below = ~model.region("head", "neck", "left_eye", "right_eye", "teeth", "tongue")
    areas = vertex_areas(fit.surface.vertices, fit.surface.faces)
    return float(np.average(fit.clothing[below], weights=areas[below]))


def quality_warnings(
    scan: ScanMesh, fit: BodyFit, textures: SkinTextures | None, options: PipelineOptions
) -> tuple[str, ...]:
    """Return the warnings of a finished twin, in sentences; empty where there is nothing to know."""
    warnings = [f"Below the stated quality: {reason}." for reason in fit.quality.reasons]
    if scan.unit == "unknown":
        warnings.append("The scan's unit is unknown: sizes are relative to an assumed stature.")
    if scan.landmarks is None:
        warnings.append("No detector saw the person: the first guess came from the shape alone.")
    if fit.quality.coverage < FULL_COVERAGE:
        warnings.append(
            f"Only {100 * fit.quality.coverage:.0f} % of the body has scan data: the rest of the twin is "
            "what the body model expects there, not what this person looks like."
        )
    if fit.quality.shape_plausibility < 0.5:
        warnings.append("The body's shape is far from every body the model was made from.")
    if fit.quality.pose_plausibility < 0.5:
        warnings.append("The pose is near or beyond what joints can do; look at it.")
    warnings += [
        f"The {side} hand could not be made out in the scan: it is put at rest and may lie wrong. Look at it."
        for side in fit.guessed_hands
    ]
    if options.surface != "skin" and _clothed_share(fit) > MUCH_CLOTH:
        warnings.append(
            "The person is clothed: the twin's surface shows the cloth, its measurements are those of the "
            "body as estimated under it. --surface skin makes a twin of that body."
        )
    if textures is not None and textures.seen_share < MUCH_FILLED:
        warnings.append(
            f"The scan shows the colour of {100 * textures.seen_share:.0f} % of the skin; "
            "the rest is filled in."
        )
    return tuple(warnings)
