"""Pictures of a finished twin: named views, poses and expressions, one after the other round the person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from scipy.spatial import KDTree

from bodyscan.errors import InputError
from bodyscan.geometry.raycast import Raycaster
from bodyscan.geometry.view import View
from bodyscan.mark.label_place import Box
from bodyscan.render.cameras import head_points, person_view
from bodyscan.render.expressions import morph_weights
from bodyscan.render.options import RenderOptions, Rgb
from bodyscan.render.picture import render_mesh
from bodyscan.render.pose import pose_rig
from bodyscan.render.poses import POSES, named_pose
from bodyscan.render.smooth_surface import smooth_surface
from bodyscan.types import F64, U8, Mesh, Morph, Rig, SkinTextures

VIEWS: Mapping[str, str] = MappingProxyType(
    {
        "front": "front",
        "three-quarter": "three_quarter",
        "side": "left",
        "back": "back",
        "face": "portrait",
    }
)
"""View -> the name of the camera in `cameras.AZIMUTHS`."""
MAX_TURNS = 72
ROUNDS = 1
"""Of `smooth_surface`: one rounds the outlines of a twin's 27,000 triangles, two show no more."""
FACE_LANDMARKS = (
    "crown", "glabella", "sellion", "nose_tip", "subnasale", "chin", "left_ear", "right_ear",
    "left_eye_outer", "right_eye_outer", "left_mouth_corner", "right_mouth_corner",
)  # fmt: skip
"""Where the face is; their names are those of `body.landmarks`."""
_LANDMARK_REACH = 0.04
"""Metres: a landmark that lies farther from the surface than this belongs to another pose."""
_FACE_MARGIN = 0.06
"""Share of its size by which the face's box is widened on each side: cheeks, chin, hairline."""
_HEAD_SHARE = 0.5
_RINGS, _SPOKES = 48, 32


@dataclass(frozen=True)
class TwinPictureOptions:
    """What a picture of a twin shows."""

    view: str = "front"
    """One of `VIEWS`: the whole person from four sides, or the face."""
    turn: float = 0.0
    """Radians by which the camera goes on round the person, towards the person's left."""
    pose: str = "captured"
    """`captured`: as the twin was bound; else one of `poses.POSES`."""
    expression: Mapping[str, float] = field(default_factory=dict)
    """Name of `expressions.EXPRESSIONS` or of a face shape -> strength, 0..1."""
    width: int = 1024
    """Pixels, 200 to 4096."""
    height: int = 1536
    """Pixels, 200 to 4096."""
    background: Rgb = (243, 244, 245)
    """sRGB in the middle of the backdrop."""
    render: RenderOptions = field(default_factory=RenderOptions)
    """Light and quality; its background is replaced by the one above."""

    def __post_init__(self) -> None:
        if self.view not in VIEWS:
            raise InputError(f"The view is {self.view!r}; possible are {', '.join(VIEWS)}.")
        if self.pose not in POSES:
            raise InputError(f"The pose is {self.pose!r}; possible are {', '.join(POSES)}.")
        for name in ("width", "height"):
            if not 200 <= getattr(self, name) <= 4096:
                raise InputError(f"The {name} is {getattr(self, name)}; possible is 200 to 4096 pixels.")
        if len(self.background) != 3 or not all(0 <= value <= 255 for value in self.background):
            raise InputError(f"The background is {self.background}; give three numbers from 0 to 255.")


@dataclass(frozen=True, eq=False)
class TwinPicture:
    """A picture of a twin before it is marked. It leaves the program through `bodyscan.mark` alone."""

    image: U8
    """(H, W, 3) uint8 sRGB."""
    face_box: Box | None
    """Where the head is, also where it is seen from behind; None where it is outside of the picture."""
    body_box: Box | None
    """Where the person is."""

    @property
    def keep_clear(self) -> tuple[Box, ...]:
        """What a label should not cover, the most important first: the head, then the person."""
        return tuple(box for box in (self.face_box, self.body_box) if box is not None)


def render_twin(
    rig: Rig,
    *,
    morphs: Sequence[Morph] = (),
    textures: SkinTextures | None = None,
    landmarks: Mapping[str, tuple[float, float, float]] | None = None,
    options: TwinPictureOptions | None = None,
) -> TwinPicture:
    """Draw a twin in the studio.

    `rig` with VRM joint names, in metres, +Y up, facing +Z; `morphs` and `landmarks` (name -> metres) in its
    bind pose. Nothing here knows of consent: the caller has checked it for this use. Raises `InputError` for
    an empty mesh, a pose that the skeleton lacks bones for, or an expression that the twin does not have.
    """
    options = options or TwinPictureOptions()
    return _Sitting(rig, morphs, textures, landmarks or {}, options).take(options.turn)


def render_turntable(
    rig: Rig,
    count: int,
    *,
    morphs: Sequence[Morph] = (),
    textures: SkinTextures | None = None,
    landmarks: Mapping[str, tuple[float, float, float]] | None = None,
    options: TwinPictureOptions | None = None,
) -> tuple[TwinPicture, ...]:
    """Draw a twin from `count` sides, 2 to `MAX_TURNS`, in equal steps from `options.turn` on, at one scale.

    Arguments and errors are those of `render_twin`; the view must not be `face`.
    """
    options = options or TwinPictureOptions()
    if not 2 <= count <= MAX_TURNS:
        raise InputError(f"A turntable of {count} pictures was asked for; possible is 2 to {MAX_TURNS}.")
    if options.view == "face":
        raise InputError("A turntable shows the whole person; leave the view 'face' out.")
    sitting = _Sitting(rig, morphs, textures, landmarks or {}, options)
    turns = options.turn + 2 * np.pi * np.arange(count) / count
    return tuple(sitting.take(float(turn), steady=True) for turn in turns)


class _Sitting:
    """The posed twin, ready for one picture or several."""

    def __init__(
        self,
        rig: Rig,
        morphs: Sequence[Morph],
        textures: SkinTextures | None,
        landmarks: Mapping[str, tuple[float, float, float]],
        options: TwinPictureOptions,
    ) -> None:
        if not len(rig.mesh.faces):
            raise InputError("The twin has no triangles; there is nothing to draw.")
        self._options, self._textures = options, textures
        weights = morph_weights(options.expression, [morph.name for morph in morphs])
        rotations = named_pose(rig.skeleton, options.pose)
        # The camera looks at the calm face, so that an expression does not move it.
        calm = pose_rig(rig, rotations)
        posed = pose_rig(rig, rotations, morphs=morphs, weights=weights) if weights else calm
        self._mesh, self._normals = smooth_surface(posed, ROUNDS)
        self._points = calm.vertices
        head = _head_vertices(rig)
        self._head = self._points[head] if len(head) else head_points(self._points)
        self._face = _face_points(rig, posed, landmarks)
        self._caster: Raycaster | None = None

    def take(self, turn: float, *, steady: bool = False) -> TwinPicture:
        options = self._options
        # Built once, for the first picture: errors in options come before it.
        self._caster = self._caster or Raycaster(self._mesh)
        view = self._view(turn, steady)
        look = replace(options.render, background=options.background)
        image = render_mesh(
            self._mesh, view, look, texture=self._textures, caster=self._caster, normals=self._normals
        )
        face = self._face if len(self._face) else self._head
        return TwinPicture(image, _box(view, face, _FACE_MARGIN), _box(view, self._mesh.vertices))

    def _view(self, turn: float, steady: bool) -> View:
        options = self._options
        size = {"width": options.width, "height": options.height, "turn": turn}
        name = VIEWS[options.view]
        if options.view == "face":
            return person_view(self._head, name, fill=0.74, elevation=0.03, **size)
        points = _rings(self._points) if steady else self._points
        return person_view(points, name, fill=0.86, elevation=0.08, **size)


def _head_vertices(rig: Rig) -> np.ndarray:
    """Ids of the vertices that the head and what hangs on it (jaw, eyes) hold by half or more."""
    names, parents = rig.skeleton.joint_names, rig.skeleton.parents
    if "head" not in names:
        return np.zeros(0, np.int64)
    inside = np.array([name == "head" for name in names])
    for joint, parent in enumerate(parents):
        inside[joint] |= parent >= 0 and inside[parent]
    share = (rig.joint_weights * inside[rig.joint_indices]).sum(axis=1)
    return np.flatnonzero(share >= _HEAD_SHARE)


def _face_points(rig: Rig, posed: Mesh, landmarks: Mapping[str, tuple[float, float, float]]) -> F64:
    """(K, 3) the face's landmarks, moved with the surface; none where the file's do not lie on it."""
    known = [landmarks[name] for name in FACE_LANDMARKS if name in landmarks]
    if len(known) < 4:
        return np.zeros((0, 3))
    points = np.asarray(known, np.float64)
    distance, nearest = KDTree(rig.mesh.vertices).query(points)
    if not np.isfinite(points).all() or distance.max() > _LANDMARK_REACH:
        return np.zeros((0, 3))
    return posed.vertices[nearest]


def _box(view: View, points: F64, margin_share: float = 0.0) -> Box | None:
    """The pixels that `points` (N, 3) and a margin of a share of their size take, cut to the picture."""
    spots = view.project(points)
    low, high = spots.min(axis=0), spots.max(axis=0)
    margin = margin_share * (high - low)
    left, top = np.floor(np.maximum(low - margin, 0)).astype(int)
    right, bottom = np.ceil(np.minimum(high + margin, [view.width, view.height])).astype(int)
    return (int(left), int(top), int(right), int(bottom)) if right > left and bottom > top else None


def _rings(vertices: F64) -> F64:
    """(N, 3) what the person sweeps when turned about the upright axis through the middle of the box."""
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    middle = (low + high) / 2
    radius = np.linalg.norm(vertices[:, [0, 2]] - middle[[0, 2]], axis=1)
    level = (vertices[:, 1] - low[1]) / max(float(high[1] - low[1]), 1e-9)
    ring = np.minimum((level * _RINGS).astype(np.int64), _RINGS - 1)
    widest = np.zeros(_RINGS)
    np.maximum.at(widest, ring, radius)
    angle = 2 * np.pi * np.arange(_SPOKES) / _SPOKES
    heights = (
        low[1] + (high[1] - low[1]) * np.concatenate([np.arange(_RINGS), np.arange(1, _RINGS + 1)]) / _RINGS
    )
    both = np.concatenate([widest, widest])
    x = middle[0] + both[:, None] * np.sin(angle)
    z = middle[2] + both[:, None] * np.cos(angle)
    y = np.broadcast_to(heights[:, None], x.shape)
    return np.stack([x, y, z], axis=-1).reshape(-1, 3)
