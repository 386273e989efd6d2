"""What hangs on the fitted person: textures, face, levels of detail, collision body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.fit import ExpressionFit, fit_expression
from bodyscan.pipeline.options import PipelineOptions
from bodyscan.pipeline.stages import Stages
from bodyscan.reconstruct import reconstruct_scan
from bodyscan.rig.bind import BindPose
from bodyscan.texture.bake import bake_textures
from bodyscan.texture.photos import bake_photos
from bodyscan.texture.texels import body_texels
from bodyscan.twin.collision import collision_body
from bodyscan.twin.colors import bake_vertex_colors
from bodyscan.twin.face_shapes import face_shapes
from bodyscan.twin.levels import twin_levels
from bodyscan.twin.own_expression import own_expression, with_own_expressions
from bodyscan.twin.visemes import visemes
from bodyscan.types import (
    BodyFit,
    Capture,
    CollisionBody,
    Level,
    Morph,
    Rig,
    ScanMesh,
    SkinTextures,
)


def has_color(scan: ScanMesh) -> bool:
    """True where the scan or its photos show what the person looks like."""
    textured = scan.texture is not None and scan.mesh.uvs is not None
    return scan.mesh.colors is not None or textured or bool(scan.photos)


def colored(fit: BodyFit, model: BodyModel, scan: ScanMesh) -> BodyFit:
    """Return the fit with one colour a vertex, where the scan's surface has any."""
    if scan.mesh.colors is None and (scan.texture is None or scan.mesh.uvs is None):
        return fit
    colors = bake_vertex_colors(model, fit.surface.vertices, scan)
    return replace(fit, surface=replace(fit.surface, colors=colors))


def skin_textures(
    fit: BodyFit, model: BodyModel, scan: ScanMesh, options: PipelineOptions, stages: Stages
) -> SkinTextures:
    """Bake the person's textures: from photos where there are any, the scan's own colour behind them."""
    with stages.run("texture", options.texture) as remarks:
        vertices = fit.surface.vertices
        from_photos = None
        if scan.photos:
            texels = body_texels(model, options.texture.size)
            photos = bake_photos(model, texels, vertices, scan, options.photos)
            from_photos = photos.colors
            remarks.append(f"{len(scan.photos)} photos")
            remarks += photos.notes
        textures = bake_textures(
            model,
            vertices,
            scan,
            options.texture,
            clothing=fit.clothing,
            noise_mm=fit.quality.noise_mm,
            seen_elsewhere=from_photos,
        )
        size = textures.albedo.shape[0]
        remarks.append(f"{size} x {size}, {100 * textures.seen_share:.0f} % of the skin seen")
        remarks += textures.notes
    return textures


def face_of(
    fit: BodyFit,
    model: BodyModel,
    bind: BindPose,
    expressions: Mapping[str, Capture | ExpressionFit],
    options: PipelineOptions,
    stages: Stages,
) -> tuple[tuple[Morph, ...], dict[str, ExpressionFit]]:
    """Return the person's face shapes on the body's topology, and the fits of those that were scanned.

    The shapes are adapted ones, and the person's own where they were scanned. `expressions`: name -> a scan
    of the same person with that expression, or its fit. Raises `InputError`, with the expression's name,
    where such a scan cannot be used.
    """
    morphs = face_shapes(model, fit.params, bind.world_from_rest, bind.surface)
    fits: dict[str, ExpressionFit] = {}
    if expressions:
        with stages.run("expressions") as remarks:
            captured = model.pose(fit.params).world_from_rest
            for name, given in expressions.items():
                try:
                    found = _expression_fit(given, fit, model, options)
                    own = own_expression(
                        model,
                        name,
                        found.displacement,
                        captured,
                        bind.world_from_rest,
                        bind.surface,
                        fit.clothing.astype(np.float64),
                    )
                except InputError as error:
                    raise InputError(f"The expression scan '{name}' cannot be used: {error}") from error
                morphs = with_own_expressions(morphs, own)
                fits[name] = found
                remarks.append(f"{name}: the face moves by {found.motion_mm:.1f} mm")
    return (*morphs, *visemes(morphs)) if options.visemes and morphs else morphs, fits


def _expression_fit(
    given: Capture | ExpressionFit, fit: BodyFit, model: BodyModel, options: PipelineOptions
) -> ExpressionFit:
    if isinstance(given, ExpressionFit):
        return given
    return fit_expression(model, fit, reconstruct_scan(given, options.reconstruct))


def levels_of(
    model: BodyModel, rig: Rig, morphs: tuple[Morph, ...], options: PipelineOptions, stages: Stages
) -> tuple[tuple[Level, ...], CollisionBody | None]:
    """Return coarser levels and collision body of a twin; `rig` and `morphs` are split at UV seams."""
    with stages.run("levels", options.levels) as remarks:
        levels = twin_levels(model, rig, morphs, options.levels)
        collision = collision_body(model, rig, options.collision) if options.collision_body else None
        counts = [len(rig.mesh.faces), *(len(level.rig.mesh.faces) for level in levels)]
        remarks.append(", ".join(f"{count:,}" for count in counts) + " triangles")
        if collision is not None:
            remarks.append(f"collision body of {len(collision.rig.mesh.faces):,}")
    return levels, collision
