"""What a seal says of a body's colours: small pictures of the image, and the colours of the skin itself.

The small pictures see every place of the image and hardly change when it is stored smaller or in another
format: lightness, colour at a third of the size, and a finer look at the window of the image in which the
mesh is densest and moves most, which is the face. The colours at points of the surface go the way that a
renderer goes, through uvs, factor and vertex colours: they see the bound image looked up elsewhere, and they
are all there is where a body has vertex colours and no image.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from bodyscan.consent.content import BodyContent
from bodyscan.consent.fields import StrictModel
from bodyscan.consent.seal.digests import Digest, used_vertices
from bodyscan.consent.seal.image import area_mean, chroma, look_up, luma
from bodyscan.consent.seal.points import Placement, SurfacePoints, check_index, pack_rows, unpack_rows
from bodyscan.consent.seal.report import PartReport, PartVerdict
from bodyscan.errors import InputError
from bodyscan.geometry.srgb import encode_srgb, linear_from_srgb
from bodyscan.types import F32, F64

TEXTURE_PREFIX = "texture-sha256-v1:"
_HEADER = b"bodyscan texture v1\n"
LIGHTNESS, COLOR, FINE = 64, 24, 160
"""Cells a side of the whole image: for lightness, for colour, and in the window."""
WINDOW, GRID = 4, 16
"""The window's side and the grid that it is placed on: sixteenths of the image."""
POINTS = 384
"""Places of the surface whose colour is told."""
STEADY_LEVELS = 12.0
"""How much the colour may change within `JITTER_M` at a chosen point, levels of 255."""
LIMITS = {
    "lightness": (10.0, 1.8),
    "colour": (7.0, 1.7),
    "lightness of the face": (14.0, 2.5),
    "colour on the surface": (40.0, 5.0),
}
"""What is compared -> the largest and the mean change, levels of 255, up to which it is the same."""
_BYTE = np.dtype("u1")
_COLOR = np.dtype([("point", "<u2"), ("rgb", "u1", 3)])
_CLEAR = (1.0, 1.0, 1.0)
Cells = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]+={0,2}$", max_length=8_000)]


class PictureSeal(StrictModel):
    """Small pictures of the base colour image, row 0 at the top."""

    lightness: Cells
    """Base64 of (64, 64) uint8: BT.601 luma of sRGB means over equal areas of the image."""
    color: Cells
    """Base64 of (24, 24, 2) uint8: Cb and Cr of the same."""
    row: Annotated[int, Field(ge=0, le=GRID - WINDOW)]
    """Sixteenths of the image above the window."""
    column: Annotated[int, Field(ge=0, le=GRID - WINDOW)]
    """Sixteenths of the image left of the window."""
    window: Cells
    """Base64 of (40, 40) uint8: lightness in the window, whose side is a quarter of the image."""


class TextureSeal(StrictModel):
    """What a binding says about a body's colours."""

    digest: Annotated[str, Field(pattern=f"^{TEXTURE_PREFIX}[0-9a-f]{{64}}$")]
    """`texture_digest`."""
    picture: PictureSeal | None = None
    """None where the body has vertex colours alone."""
    colors: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$", max_length=8_000)]
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
    return TextureSeal(
        digest=texture_digest(content),
        picture=_seal_picture(content),
        colors=pack_rows(_COLOR, point=chosen, rgb=np.rint(seen[chosen])),
    )


def compare_texture(seal: TextureSeal | None, content: BodyContent, at: SurfacePoints) -> PartReport:
    """Return how a body's colours match a seal. `at`: the sealed fingerprint's points on this body."""
    if seal is not None and (why := content.problems.get("texture")):
        return PartReport(PartVerdict.ALTERED, why)
    if why := content.unread.get("texture"):
        return PartReport(PartVerdict.UNREAD, why)
    if seal is None:
        if content.is_colored:
            return PartReport(PartVerdict.ADDED, "the file has colours; the bound body has none")
        return PartReport(PartVerdict.UNBOUND, "neither the file nor the binding has colours")
    if not content.is_colored and len({round(level, 3) for level in content.tint}) > 1:
        reason = "a colour of its own in place of the bound ones: the file has a factor and no image"
        return PartReport(PartVerdict.ALTERED, reason)
    if not content.is_colored:
        return PartReport(PartVerdict.MISSING, "the file has neither image nor vertex colours")
    if content.tint == _CLEAR and texture_digest(content) == seal.digest:
        return PartReport(PartVerdict.EXACT, "every pixel is the one that was bound", 0.0, "levels")
    if (seal.picture is None) != (content.albedo is None):
        which = "an image" if seal.picture is None else "vertex colours and no image"
        return PartReport(PartVerdict.ALTERED, f"the file has {which}; the bound body has not")
    apart = changes(seal, content, at)
    told = []
    for what, (most, usual) in LIMITS.items():
        if what in apart and (apart[what].max() > most or apart[what].mean() > usual):
            told.append(
                f"the {what} differs by up to {apart[what].max():.0f} of 255 ({apart[what].mean():.1f} on "
                "average)"
            )
    largest = max(float(values.max()) for values in apart.values())
    if told:
        return PartReport(PartVerdict.ALTERED, "; ".join(told), largest, "levels")
    mean = max(float(values.mean()) for values in apart.values())
    return PartReport(
        PartVerdict.KEPT, f"the same within {largest:.1f} of 255 ({mean:.1f} on average)", largest, "levels"
    )


def changes(seal: TextureSeal, content: BodyContent, at: SurfacePoints) -> dict[str, F64]:
    """Return how far each cell and point is from the sealed one, levels, under the names of `LIMITS`."""
    found = {}
    if seal.picture is not None:
        for what, (bound, cells) in _pictures(seal.picture, content).items():
            found[what] = np.abs(cells - bound).reshape(-1)
    rows = unpack_rows(_COLOR, seal.colors, "colours")
    index = check_index(rows["point"], len(at.points), "colours")
    if len(index):
        seen = _Skin(content).at(at.nearest)[index]
        found["colour on the surface"] = np.abs(seen - rows["rgb"]).max(axis=1)
    return found or {"colour on the surface": np.zeros(1)}


def texture_digest(content: BodyContent) -> str:
    """Return `texture-sha256-v1:` and 64 hex digits over what a renderer looks up, to the bit.

    The decoded pixels (height, width, (H, W, 3) uint8 sRGB; 0, 0 without an image), and the set of rows
    (position, uv as float32, vertex colour as 3 uint32; (0, 0) and white where there are none) of the
    vertices that a triangle uses. Lossless re-encoding (PNG, lossless WebP) and the order, splitting and
    welding of vertices make no difference.
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


def _seal_picture(content: BodyContent) -> PictureSeal | None:
    if content.albedo is None:
        return None
    row, column = _window(content)
    lightness, color, window = (
        pack_rows(_BYTE, np.rint(cells).astype(np.uint8)) for cells in _cells(content, row, column)
    )
    return PictureSeal(lightness=lightness, color=color, row=row, column=column, window=window)


def _pictures(seal: PictureSeal, content: BodyContent) -> dict[str, tuple[F64, F64]]:
    """Return what is compared -> the sealed cells and the body's."""
    cells = _cells(content, seal.row, seal.column)
    texts = (seal.lightness, seal.color, seal.window)
    names = ("lightness", "colour", "lightness of the face")
    found = {}
    for name, text, own in zip(names, texts, cells, strict=True):
        bound = unpack_rows(_BYTE, text, f"picture ({name})").astype(np.float64)
        if bound.size != own.size:
            raise InputError(f"the seal's picture ({name}) has {bound.size} values; {own.size} are known.")
        found[name] = bound.reshape(own.shape), own
    return found


def _cells(content: BodyContent, row: int, column: int) -> tuple[F64, F64, F64]:
    """Return lightness (64, 64), colour (24, 24, 2) and the window's lightness (40, 40), 0..255."""
    if content.albedo is None:
        raise InputError("the body has no image.")
    coarse, medium, fine = (
        _tinted(area_mean(content.albedo, size, size), content) for size in (COLOR, LIGHTNESS, FINE)
    )
    step = FINE // GRID
    top, left, side = row * step, column * step, WINDOW * step
    return luma(medium), chroma(coarse), luma(fine[top : top + side, left : left + side])


def _tinted(levels: F32, content: BodyContent) -> F64:
    if content.tint == _CLEAR:
        return levels.astype(np.float64)
    return _levels(linear_from_srgb(levels) * np.asarray(content.tint))


def _levels(light: F64) -> F64:
    return np.asarray(encode_srgb(np.clip(light, 0, 1)), np.float64) * 255


def _window(content: BodyContent) -> tuple[int, int]:
    """Return row and column (sixteenths) of the window with the most vertices.

    A vertex counts once, and once more for each face shape that moves it by more than a millimetre.
    """
    if content.uvs is None:
        return 0, 0
    counts = np.ones(len(content.uvs))
    for morph in content.morphs:
        counts[morph.vertex_ids] += np.linalg.norm(morph.deltas, axis=1) > 1e-3
    places = np.clip(np.floor(content.uvs.astype(np.float64) * GRID), 0, GRID - 1).astype(np.int64)
    grid = np.bincount(places[:, 1] * GRID + places[:, 0], counts, GRID * GRID).reshape(GRID, GRID)
    sums = np.pad(grid.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    inside = (
        sums[WINDOW:, WINDOW:] - sums[:-WINDOW, WINDOW:] - sums[WINDOW:, :-WINDOW] + sums[:-WINDOW, :-WINDOW]
    )
    row, column = divmod(int(inside.argmax()), inside.shape[1])
    return row, column


class _Skin:
    """The colours that a renderer looks up, seen from a step away."""

    def __init__(self, content: BodyContent) -> None:
        self._content = content
        self._fine = None
        if content.albedo is not None and content.uvs is not None:
            self._fine = area_mean(content.albedo, FINE, FINE)

    def at(self, place: Placement) -> F64:
        """Return (K, 3) sRGB levels 0..255."""
        content = self._content
        light = np.ones((len(place.corners), 3)) * np.asarray(content.tint)
        if self._fine is not None and content.uvs is not None:
            levels = look_up(self._fine, place.values(content.uvs.astype(np.float64)))
            if content.colors is None and content.tint == _CLEAR:
                return levels
            light = light * linear_from_srgb(levels)
        if content.colors is not None:
            light = light * place.values(linear_from_srgb(content.colors).astype(np.float64))
        return _levels(light)
