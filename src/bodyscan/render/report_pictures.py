"""All pictures of the report, from a scan, its fit and the twin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from bodyscan.errors import InputError
from bodyscan.geometry.raycast import Raycaster
from bodyscan.geometry.view import View
from bodyscan.mark import MarkInfo, SourceType
from bodyscan.mark.label_place import Box
from bodyscan.render.cameras import head_points, person_view
from bodyscan.render.heatmap import ColorScale, distance_scale, draw_scale, heat_colors
from bodyscan.render.options import RenderOptions
from bodyscan.render.overlay import draw_skeleton
from bodyscan.render.picture import render_mesh
from bodyscan.render.pose import pose_rig
from bodyscan.render.poses import named_pose
from bodyscan.render.sheet import Panel, SheetOptions, contact_sheet
from bodyscan.types import U8, BodyFit, Mesh, ScanMesh, Skeleton, Twin

POSES: Mapping[str, str] = {"a": "A-pose", "t": "T-pose", "walk": "Walking"}
"""Pose name -> caption."""
EXPRESSIONS: Mapping[str, Mapping[str, float]] = {
    "Neutral": {},
    "Smile": {
        "mouthSmileLeft": 0.9,
        "mouthSmileRight": 0.9,
        "cheekSquintLeft": 0.5,
        "cheekSquintRight": 0.5,
    },
    "Jaw open": {"jawOpen": 0.8},
    "Eyes closed, brows up": {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0, "browInnerUp": 1.0},
}
"""Caption -> ARKit weights."""
_FIT_CLAY = (176, 192, 208)
_UNTRUSTED = 0.05
_FACE_JOINTS = ("jaw", "leftEye", "rightEye")


@dataclass(frozen=True)
class PictureOptions:
    """Size of the report's pictures."""

    width: int = 560
    """Pixels of a full-length picture, 200 to 4000."""
    height: int = 800
    """Pixels of a full-length picture, 200 to 4000."""
    face_height: int = 600
    """Pixels of a close-up of the face, 200 to 4000."""
    render: RenderOptions = field(default_factory=RenderOptions)
    """Light and quality."""

    def __post_init__(self) -> None:
        for name in ("width", "height", "face_height"):
            if not 200 <= getattr(self, name) <= 4000:
                raise InputError(
                    f"PictureOptions.{name} is {getattr(self, name)}; possible is 200 to 4000 pixels."
                )


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture with its words."""

    image: U8
    """(H, W, 3) uint8 sRGB."""
    caption: str
    alt: str
    """What the picture shows, for those who do not see it."""
    source_type: SourceType | None = None
    avoid: tuple[Box, ...] = ()
    """Boxes (left, top, right, bottom) in pixels that the label keeps off: the head."""


@dataclass(frozen=True, eq=False)
class ReportPictures:
    """The report's pictures by section."""

    overview: tuple[Picture, ...]
    """Scan, fit, twin."""
    distances: tuple[Picture, ...]
    """The scan coloured by its distance to the fit, front and back."""
    scale: ColorScale
    """What the colours of `distances` mean."""
    poses: tuple[Picture, ...]
    expressions: tuple[Picture, ...]
    notes: tuple[str, ...] = ()
    """Which pictures could not be made, and why."""


def report_pictures(
    scan: ScanMesh, fit: BodyFit, twin: Twin | None, consent: MarkInfo, options: PictureOptions | None = None
) -> ReportPictures:
    """Draw scan, fit, distances, twin, poses and expressions; without a twin, the first three alone.

    `consent` names the record under which the twin may be shown; pictures are labelled with it when they
    are written (`bodyscan.mark`). A pose or expression that the twin's skeleton or morphs cannot show is
    left out, and a note says so.
    """
    check_mark(consent)
    options = options or PictureOptions()
    scale = distance_scale(_trusted_distance(scan, fit))
    poses, pose_notes = _poses(twin, options) if twin else ((), [])
    expressions, face_notes = _expressions(twin, options) if twin else ((), [])
    return ReportPictures(
        overview=_overview(scan, fit, twin, options),
        distances=_distances(scan, fit, scale, options),
        scale=scale,
        poses=poses,
        expressions=expressions,
        notes=(*pose_notes, *face_notes),
    )


def overview_sheet(pictures: ReportPictures) -> U8:
    """Scan, fit and twin side by side with captions, (H, W, 3) uint8; write it with `save_marked`."""
    return contact_sheet([Panel(p.image, p.caption) for p in pictures.overview], SheetOptions())


def check_mark(consent: MarkInfo) -> None:
    """Raise `InputError` where pictures of a person would be drawn under no consent."""
    if not isinstance(consent, MarkInfo):
        raise InputError(
            f"Pictures of a twin need the consent that covers them; got {type(consent).__name__}. "
            "Pass a MarkInfo with the record's id."
        )


def _overview(
    scan: ScanMesh, fit: BodyFit, twin: Twin | None, options: PictureOptions
) -> tuple[Picture, ...]:
    scan_view = _view(scan.mesh, "three_quarter", options)
    scan_image = render_mesh(scan.mesh, scan_view, options.render, texture=scan.texture)
    fit_view = _view(fit.surface, "three_quarter", options)
    clay = replace(options.render, look="clay", clay=_FIT_CLAY)
    bones = draw_skeleton(render_mesh(fit.surface, fit_view, clay), fit_view, *_bones(fit.skeleton))
    faces = (
        f"{len(scan.mesh.faces):,} faces" if not scan.mesh.is_cloud else f"{len(scan.mesh.vertices):,} points"
    )
    pictures = (
        Picture(
            scan_image,
            "Scan",
            f"The cleaned scan, {faces}, seen from the front left.",
            avoid=head_box(scan.mesh, scan_view),
        ),
        Picture(
            bones,
            "Fit",
            "The fitted body with its skeleton, in the captured pose.",
            avoid=head_box(fit.surface, fit_view),
        ),
    )
    if twin is None:
        return pictures
    mesh = twin.rig.mesh
    view = _view(mesh, "three_quarter", options)
    twin_image = render_mesh(mesh, view, options.render, texture=twin.textures)
    words = "The finished twin in the pose that it is bound in."
    return (*pictures, Picture(twin_image, "Twin", words, avoid=head_box(mesh, view)))


def _bones(skeleton: Skeleton) -> tuple[np.ndarray, np.ndarray]:
    """Positions and parents without the joints of eyes and jaw, which would hide the face."""
    kept = [i for i, name in enumerate(skeleton.joint_names) if name not in _FACE_JOINTS]
    place = {old: new for new, old in enumerate(kept)}
    parents = [place.get(int(skeleton.parents[i]), -1) for i in kept]
    return skeleton.positions[kept], np.array(parents, np.int32)


def _distances(
    scan: ScanMesh, fit: BodyFit, scale: ColorScale, options: PictureOptions
) -> tuple[Picture, ...]:
    painted = replace(scan.mesh, colors=heat_colors(_trusted_distance(scan, fit), scale))
    caster = Raycaster(painted)
    look = replace(options.render, look="data")
    out = []
    for name in ("front", "back"):
        view = _view(painted, name, options, 0.80)
        image = render_mesh(painted, view, look, caster=caster)
        alt = (
            f"The scan from the {name}, coloured by its distance to the fitted surface from "
            f"{scale.low:g} mm (inside, blue) to {scale.high:+g} mm (outside, red)."
        )
        kind, head = SourceType.DATA_DRIVEN_MEDIA, head_box(painted, view)
        out.append(Picture(draw_scale(image, scale), name.capitalize(), alt, kind, head))
    return tuple(out)


def _trusted_distance(scan: ScanMesh, fit: BodyFit) -> np.ndarray:
    """(N,) mm, NaN where the scan is not trusted."""
    if len(fit.distance_mm) != len(scan.mesh.vertices):
        raise InputError(
            f"The fit has {len(fit.distance_mm)} distances for {len(scan.mesh.vertices)} scan vertices; "
            "it belongs to another scan."
        )
    return np.where(scan.confidence > _UNTRUSTED, fit.distance_mm, np.nan)


def _poses(twin: Twin, options: PictureOptions) -> tuple[tuple[Picture, ...], list[str]]:
    meshes: dict[str, Mesh] = {}
    notes = []
    for name, caption in POSES.items():
        try:
            meshes[name] = pose_rig(twin.rig, named_pose(twin.rig.skeleton, name))
        except InputError as error:
            notes.append(f"{caption} was not drawn: {error}")
    if not meshes:
        return (), notes
    # One frame for all: the person is as large in one pose as in the next.
    everything = np.concatenate([mesh.vertices for mesh in meshes.values()])
    # Room above the head, where the label goes.
    above = everything[everything[:, 1].argmax()] + np.array([0, 0.07 * np.ptp(everything[:, 1]), 0])
    everything = np.concatenate([everything, above[None]])
    side = options.height
    out = []
    for name, mesh in meshes.items():
        angle = "three_quarter" if name == "walk" else "front"
        view = person_view(everything, angle, width=round(0.92 * side), height=side, fill=0.88)
        image = render_mesh(mesh, view, options.render, texture=twin.textures)
        words = f"The twin posed through its skeleton: {POSES[name]}."
        out.append(Picture(image, POSES[name], words, avoid=head_box(mesh, view)))
    return tuple(out), notes


def _expressions(twin: Twin, options: PictureOptions) -> tuple[tuple[Picture, ...], list[str]]:
    have = {morph.name for morph in twin.morphs}
    rig, out, notes = twin.rig, [], []
    names = rig.skeleton.joint_names
    head = rig.skeleton.positions[names.index("head")] if "head" in names else None
    points = head_points(rig.mesh.vertices, head)
    size = options.face_height
    view = person_view(points, "portrait", width=size, height=size, fill=0.78, elevation=0.03)
    for caption, weights in EXPRESSIONS.items():
        missing = sorted(set(weights) - have)
        if missing:
            notes.append(f"The expression '{caption}' was not drawn: the twin has no {', '.join(missing)}.")
            continue
        mesh = pose_rig(rig, morphs=twin.morphs, weights=weights)
        image = render_mesh(mesh, view, options.render, texture=twin.textures)
        words = f"Close-up of the twin's face: {caption.lower()}."
        out.append(Picture(image, caption, words, avoid=head_box(mesh, view)))
    return tuple(out), notes


def head_box(mesh: Mesh, view: View) -> tuple[Box, ...]:
    """Where the head is drawn, or nothing where it lies outside."""
    seen = view.project(head_points(mesh.vertices))
    size = (view.width, view.height)
    low = np.clip(np.floor(seen.min(axis=0)), 0, size).astype(int)
    high = np.clip(np.ceil(seen.max(axis=0)), 0, size).astype(int)
    if (high <= low).any():
        return ()
    return ((int(low[0]), int(low[1]), int(high[0]), int(high[1])),)


def _view(mesh: Mesh, name: str, options: PictureOptions, fill: float = 0.84) -> View:
    return person_view(mesh.vertices, name, width=options.width, height=options.height, fill=fill)
