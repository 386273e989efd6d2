"""What a seal says of a body's colours: a small picture of the image, and the colours of the skin itself.

The small picture (area means) sees every place of the image and hardly changes when the image is stored
smaller or in another format. The colours at points of the surface go the way that a renderer goes, through
uvs, factor and vertex colours, and are finer at the face: they see an image that is the bound one and is
looked up elsewhere, and they are all there is where a body has vertex colours and no image.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from bodyscan.consent.content import BodyContent
from bodyscan.consent.fields import StrictModel
from bodyscan.consent.seal.digests import Digest, used_vertices
from bodyscan.consent.seal.image import look_up, small_light, srgb_levels
from bodyscan.consent.seal.points import Placement, SurfacePoints, check_index, pack_rows, unpack_rows
from bodyscan.consent.seal.report import PartReport, PartVerdict
from bodyscan.errors import InputError
from bodyscan.geometry.srgb import linear_from_srgb
from bodyscan.types import F64

TEXTURE_PREFIX = "texture-sha256-v1:"
_HEADER = b"bodyscan texture v1\n"
PICTURE = 48
"""Cells a side of the small picture."""
FINE = 256
"""Cells a side of the picture in which the colours of points are looked up."""
POINTS = 384
"""Places of the surface whose colour is told."""
STEADY_LEVELS = 12.0
"""How much the colour may change within `JITTER_M` at a chosen point, levels of 255."""
CELL_LEVELS, CELLS_MEAN = 16.0, 2.0
"""Largest and mean change of a cell up to which an image is the same one, levels."""
POINT_LEVELS, POINTS_MEAN = 40.0, 3.0
"""Largest and mean change of a point's colour up to which a skin is the same one, levels."""
_COLOR = np.dtype([("point", "<u2"), ("rgb", "u1", 3)])


class TextureSeal(StrictModel):
    """What a binding says about a body's colours."""

    digest: Annotated[str, Field(pattern=f"^{TEXTURE_PREFIX}[0-9a-f]{{64}}$")]
    """`texture_digest`."""
    picture: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$", max_length=16_000)]
    """Base64 of (N, N, 3) uint8 sRGB: area means in linear light of the base colour image, row 0 at the top;
    empty where the body has vertex colours alone."""
    colors: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$", max_length=16_000)]
    """Base64 of rows (uint16 index of a point of the fingerprint, 3 uint8 sRGB), little-endian."""


def seal_texture(content: BodyContent, at: SurfacePoints) -> TextureSeal | None:
    """Return the seal of a body's colours, None where it has none. `at`: its fingerprint's points."""
    if not content.is_colored:
        return None
    skin = _Skin(content)
    seen = skin.at(at.nearest)
    steady = np.flatnonzero(at.spread(skin.at) < STEADY_LEVELS)
    # Half of the fingerprint's points are spread evenly, half lie where vertices are dense: face and hands.
    chosen = steady[np.linspace(0, len(steady) - 1, min(POINTS, len(steady))).astype(np.int64)]
    picture = ""
    if content.albedo is not None:
        cells = np.rint(srgb_levels(small_light(content.albedo, PICTURE))).astype(np.uint8)
        picture = pack_rows(np.dtype([("rgb", "u1", 3)]), rgb=cells.reshape(-1, 3))
    return TextureSeal(
        digest=texture_digest(content),
        picture=picture,
        colors=pack_rows(_COLOR, point=chosen, rgb=np.rint(seen[chosen])),
    )


def compare_texture(seal: TextureSeal | None, content: BodyContent, at: SurfacePoints) -> PartReport:
    """Return how a body's colours match a seal. `at`: the sealed fingerprint's points on this body."""
    if why := content.unread.get("texture"):
        return PartReport(PartVerdict.UNREAD, why)
    if seal is None:
        if content.is_colored:
            return PartReport(PartVerdict.ADDED, "the file has colours; the bound body has none")
        return PartReport(PartVerdict.UNBOUND, "neither the file nor the binding has colours")
    if why := content.problems.get("texture"):
        return PartReport(PartVerdict.ALTERED, why)
    if not content.is_colored:
        return PartReport(PartVerdict.MISSING, "the file has neither image nor vertex colours")
    if content.tint == (1.0, 1.0, 1.0) and texture_digest(content) == seal.digest:
        return PartReport(PartVerdict.EXACT, "every pixel is the one that was bound", 0.0, "levels")
    cells = _cells_apart(seal, content)
    points = _points_apart(seal, content, at)
    largest = float(max(cells.max(), points.max(initial=0.0)))
    worst, mean = float(cells.max()), float(cells.mean())
    if worst > CELL_LEVELS or mean > CELLS_MEAN:
        return PartReport(
            PartVerdict.ALTERED,
            f"the image shows other colours: a cell of its small picture differs by up to {worst:.0f} of 255 "
            f"({mean:.1f} on average, beyond the limit at {100 * float((cells > CELL_LEVELS).mean()):.0f} %)",
            largest,
            "levels",
        )
    worst, mean = float(points.max(initial=0.0)), float(points.mean()) if len(points) else 0.0
    if worst > POINT_LEVELS or mean > POINTS_MEAN:
        return PartReport(
            PartVerdict.ALTERED,
            f"the skin shows other colours: at a place of the surface they differ by up to {worst:.0f} of 255 "
            f"({mean:.1f} on average, beyond the limit at {100 * float((points > POINT_LEVELS).mean()):.0f} %)",
            largest,
            "levels",
        )
    return PartReport(
        PartVerdict.KEPT, f"the same within {largest:.1f} of 255 ({mean:.1f} on average)", largest, "levels"
    )


def texture_digest(content: BodyContent) -> str:
    """Return `texture-sha256-v1:` and 64 hex digits over what a renderer looks up, to the bit.

    The decoded pixels (height, width, (H, W, 3) uint8 sRGB; 0, 0 without an image), and the set of rows
    (position, uv as float32, vertex colour as 3 uint32; (0, 0) and white where there are none) of the vertices
    that a triangle uses. Lossless re-encoding (PNG, lossless WebP) and the order, splitting and welding of
    vertices make no difference.
    """
    digest = Digest(_HEADER)
    image = np.zeros((0, 0, 3), np.uint8) if content.albedo is None else content.albedo
    digest.add_bytes(np.array(image.shape[:2], "<u8").tobytes() + np.ascontiguousarray(image).tobytes())
    used = used_vertices(content.faces)
    zero, count = np.float32(0), len(used)
    uvs = np.zeros((count, 2), np.float32) if content.uvs is None else content.uvs[used] + zero
    colors = np.full((count, 3), 255) if content.colors is None else content.colors[used]
    digest.add_rows([content.positions[used] + zero, uvs, colors.astype("<u4")])
    return TEXTURE_PREFIX + digest.hex()


def _cells_apart(seal: TextureSeal, content: BodyContent) -> F64:
    """Return how far each cell of the small picture is from the sealed one, levels, the largest channel."""
    bound = unpack_rows(np.dtype([("rgb", "u1", 3)]), seal.picture, "picture")["rgb"].astype(np.float64)
    size = round(len(bound) ** 0.5)
    if size * size != len(bound):
        raise InputError("the seal's picture is not square.")
    if not size:
        return np.zeros(1) if content.albedo is None else np.full(1, 255.0)
    if content.albedo is None:
        return np.zeros(1)
    light = small_light(content.albedo, size) * np.asarray(content.tint)
    return np.abs(srgb_levels(light).reshape(-1, 3) - bound).max(axis=1)


def _points_apart(seal: TextureSeal, content: BodyContent, at: SurfacePoints) -> F64:
    rows = unpack_rows(_COLOR, seal.colors, "colours")
    index = check_index(rows["point"], len(at.points), "colours")
    return np.abs(_Skin(content).at(at.nearest)[index] - rows["rgb"]).max(axis=1, initial=0.0)


class _Skin:
    """The colours that a renderer looks up, seen from a step away."""

    def __init__(self, content: BodyContent) -> None:
        self._content = content
        self._fine = None
        if content.albedo is not None and content.uvs is not None:
            self._fine = small_light(content.albedo, min(FINE, *content.albedo.shape[:2]))

    def at(self, place: Placement) -> F64:
        """Return (K, 3) sRGB levels 0..255."""
        content = self._content
        light = np.ones((len(place.corners), 3)) * np.asarray(content.tint)
        if self._fine is not None and content.uvs is not None:
            light = light * look_up(self._fine, place.values(content.uvs.astype(np.float64)))
        if content.colors is not None:
            light = light * place.values(linear_from_srgb(content.colors).astype(np.float64))
        return srgb_levels(light)
