"""Pictures of a depth capture's report: the fused surface, its trust, what was never seen, one frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bodyscan.errors import InputError
from bodyscan.geometry.raycast import Raycaster
from bodyscan.mark import SourceType
from bodyscan.render.cameras import person_view
from bodyscan.render.color import colormap
from bodyscan.render.heatmap import ColorScale, draw_scale, heat_colors
from bodyscan.render.picture import render_mesh
from bodyscan.render.report_pictures import Picture, PictureOptions, head_box
from bodyscan.types import F32, F64, U8, Bool, DepthFrame, Mesh, frozen_array

CONFIDENCE = ColorScale(0.0, 1.0, "0 to 1", "confidence", "sequential", "guessed", "sure")
SEEN, NEVER_SEEN = (186, 190, 194), (196, 62, 38)
_VIEWS = ("front", "left", "back", "right")


@dataclass(frozen=True, eq=False)
class Coverage:
    """What the cameras saw of the body."""

    shares: Mapping[str, float]
    """Region of the body -> share of its area, 0..1; `all` is the whole."""
    body: Mesh
    """The fitted body as it stands in the scan, metres."""
    seen: Bool
    """(V,) which vertices of `body` were seen."""


@dataclass(frozen=True, eq=False)
class ExampleFrame:
    """One frame of the capture with what was cut out of it."""

    frame: DepthFrame
    mask: Bool
    """(H, W) the person's pixels."""
    world_from_camera: F64
    """(4, 4) in the world of the scan, +Y up: which edge of the picture is its top."""


def surface_pictures(surface: Mesh, options: PictureOptions) -> tuple[Picture, ...]:
    """The fused surface from four sides."""
    caster = Raycaster(surface)
    return tuple(
        _drawn(
            surface,
            caster,
            name,
            options,
            f"The fused surface seen from the {name if name in ('front', 'back') else f'person’s {name}'}.",
        )
        for name in _VIEWS
    )


def confidence_pictures(surface: Mesh, confidence: F32, options: PictureOptions) -> tuple[Picture, ...]:
    """The surface coloured by how sure it is, front and back."""
    if confidence.shape != (len(surface.vertices),):
        raise InputError(f"{confidence.shape} confidences were given for {len(surface.vertices)} vertices.")
    words = "The fused surface from the {}, coloured by its confidence from 0 to 1."
    return _painted(replace(surface, colors=heat_colors(confidence, CONFIDENCE)), CONFIDENCE, words, options)


def coverage_pictures(coverage: Coverage, options: PictureOptions) -> tuple[Picture, ...]:
    """The body coloured by what was seen, place by place."""
    body, seen = coverage.body, coverage.seen
    if seen.shape != (len(body.vertices),):
        raise InputError(f"{seen.shape} marks were given for {len(body.vertices)} vertices of the body.")
    colors = np.where(seen[:, None], np.array(SEEN, np.uint8), np.array(NEVER_SEEN, np.uint8))
    words = "The body from the {}: grey where a camera saw it, red where none did."
    return _painted(replace(body, colors=colors.astype(np.uint8)), None, words, options)


def frame_pictures(example: ExampleFrame) -> tuple[Picture, ...]:
    """A frame's depth, and the same with what is not the person dimmed.

    Never its photo: the report's pictures say that they are synthetic, and a photo is not.
    """
    frame = example.frame
    mask = frozen_array("mask", example.mask, np.bool_, frame.depth_m.shape)
    turns = quarter_turns(example.world_from_camera)
    picture = depth_picture(frame.depth_m)
    cut = np.where(mask[..., None], picture, (0.25 * picture.astype(np.float32) + 150).astype(np.uint8))
    what = f"The depth picture of the frame {frame.name}"
    both = (
        (picture, "As taken", f"{what}."),
        (cut, "The person in it", f"{what}; what is not the person is pale."),
    )
    return tuple(
        Picture(_enlarged(np.ascontiguousarray(np.rot90(image, turns))), caption, alt)
        for image, caption, alt in both
    )


def quarter_turns(world_from_camera: F64) -> int:
    """How often a picture must be turned left by 90 degrees to stand upright, 0 to 3; world +Y up."""
    x, y = world_from_camera[1, 0], world_from_camera[1, 1]
    if abs(x) > abs(y):
        return 1 if x > 0 else 3
    return 2 if y > 0 else 0


def depth_picture(depth_m: F32) -> U8:
    """(H, W, 3) uint8: near is bright, what was not measured is grey."""
    known = depth_m > 0
    if not known.any():
        return np.full((*depth_m.shape, 3), 128, np.uint8)
    near, far = np.percentile(depth_m[known], [1, 99])
    place = np.clip((far - depth_m) / max(float(far - near), 1e-6), 0, 1)
    return np.where(known[..., None], colormap("sequential", place), np.uint8(128)).astype(np.uint8)


def _enlarged(image: U8) -> U8:
    """Small pictures get larger pixels: a label must be readable on them."""
    times = max(1, -(-360 // max(min(image.shape[:2]), 1)))
    return np.repeat(np.repeat(image, times, axis=0), times, axis=1)


def _drawn(surface: Mesh, caster: Raycaster, name: str, options: PictureOptions, alt: str) -> Picture:
    view = person_view(surface.vertices, name, width=options.width, height=options.height, fill=0.84)
    image = render_mesh(surface, view, options.render, caster=caster)
    return Picture(image, name.capitalize(), alt, avoid=head_box(surface, view))


def _painted(
    painted: Mesh, scale: ColorScale | None, words: str, options: PictureOptions
) -> tuple[Picture, ...]:
    caster = Raycaster(painted)
    look = replace(options.render, look="data")
    out = []
    for name in ("front", "back"):
        view = person_view(painted.vertices, name, width=options.width, height=options.height, fill=0.80)
        image = render_mesh(painted, view, look, caster=caster)
        image = image if scale is None else draw_scale(image, scale)
        head = head_box(painted, view)
        out.append(
            Picture(image, name.capitalize(), words.format(name), SourceType.DATA_DRIVEN_MEDIA, avoid=head)
        )
    return tuple(out)
