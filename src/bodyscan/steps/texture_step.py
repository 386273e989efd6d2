"""The step `texture`: the scan's colours, or its photos', on the body's own UVs."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from bodyscan.pipeline import OnStage
from bodyscan.pipeline.twin import textured
from bodyscan.pipeline.warnings import quality_warnings
from bodyscan.steps.arrays import texture_arrays, write_arrays
from bodyscan.steps.folder import StepState
from bodyscan.steps.person import capture_of, fitted_scan
from bodyscan.steps.request import TextureRequest
from bodyscan.steps.session import kept, open_session, options_of


def run_texture(request: TextureRequest, now: datetime, on_stage: OnStage) -> StepState:
    """Bake the textures of the current fit. A scan without colours gives a result without textures.

    Raises `ConsentError` where the folder's record does not cover the use, `InputError` where there is no
    fit.
    """
    session = open_session(request, now, on_stage)
    options = options_of(
        request.config, {"surface": request.surface, "texture": {"size": request.size}}
    ).pipeline
    folder, fit = session.folder, session.folder.state()["fit"]
    fitted = fitted_scan(folder)
    stages = session.stages(list(fitted.stages))
    person = textured(fitted, capture_of(folder, fitted.scan), options, stages)
    textures = person.textures

    def write(place: Path) -> None:
        if textures is not None:
            write_arrays(place / "textures.npz", *texture_arrays(textures))

    if textures is None:
        summary = "The scan has no colours: the twin stays plain."
    else:
        side, share = textures.albedo.shape[0], 100 * textures.seen_share
        summary = f"{side} x {side} pixels; the scan shows {share:.0f} % of the skin."
    warnings = quality_warnings(person.scan, person.fit, textures, options)
    return kept(
        session,
        "texture",
        fit.result,
        write,
        summary=summary,
        warnings=tuple(one for one in warnings if one not in fit.warnings),
        values={
            "size": 0 if textures is None else textures.albedo.shape[0],
            "surface": request.surface,
            "seen_share": 0.0 if textures is None else textures.seen_share,
            "notes": [] if textures is None else list(textures.notes),
        },
        steps=person.stages,
        options=options,
    )
