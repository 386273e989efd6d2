"""What a seal says of face shapes: where each moves the surface most, and how far."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from bodyscan.consent.content import BodyContent, shape_key
from bodyscan.consent.fields import ShortText, StrictModel
from bodyscan.consent.seal.digests import Digest, used_vertices
from bodyscan.consent.seal.points import SurfacePoints, check_index, pack_rows, spread_out, unpack_rows
from bodyscan.consent.seal.report import PartReport, PartVerdict
from bodyscan.errors import InputError, some_names
from bodyscan.types import F64, Morph

MORPHS_PREFIX = "morphs-sha256-v1:"
_HEADER = b"bodyscan face shapes v1\n"
POINTS = 10
"""Places of the surface at which a shape is told."""
STEPS = 127
"""A shape's largest displacement in steps."""
LEAST_M = 2e-6
"""Displacements up to this are none, metres; they are not written."""
CLEAR_SHARE = 0.25
"""Of a shape's largest displacement: what a chosen point moves at least."""
STEADY_M, STEADY_SHARE = 2e-4, 0.1
"""How much a displacement may change within `JITTER_M` of a chosen point: metres, share of the largest."""
MAX_MM, MAX_SHARE = 0.4, 0.06
"""Largest change of a displacement up to which a shape is the same one: mm, and share of its largest."""
MEAN_MM, MEAN_SHARE = 0.03, 0.06
"""Largest change of the mean displacement up to which a shape is the same one: mm, and share of the mean."""
_ROW = np.dtype([("point", "<u2"), ("delta", "i1", 3)])


class ShapeSeal(StrictModel):
    """One face shape."""

    name: ShortText
    largest_um: Annotated[int, Field(ge=0, le=10_000_000)]
    """Length of its largest displacement, micrometres."""
    mean_um: Annotated[int, Field(ge=0, le=10_000_000)]
    """Mean length of its displacement over all points of the fingerprint, micrometres."""
    moves: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$", max_length=400)]
    """Base64 of rows (uint16 index of a point of the fingerprint, 3 int8 displacement), little-endian; a step
    is a 127th of the largest displacement."""


class MorphSeal(StrictModel):
    """What a binding says about a body's face shapes."""

    digest: Annotated[str, Field(pattern=f"^{MORPHS_PREFIX}[0-9a-f]{{64}}$")]
    """`morphs_digest`."""
    shapes: Annotated[tuple[ShapeSeal, ...], Field(min_length=1, max_length=512)]
    """In the order of their names."""


def seal_morphs(content: BodyContent, at: SurfacePoints) -> MorphSeal | None:
    """Return the seal of a body's face shapes, None where it has none. `at`: its fingerprint's points."""
    if not content.morphs:
        return None
    shapes = [_seal_shape(content, morph, at) for morph in content.morphs]
    return MorphSeal(
        digest=morphs_digest(content), shapes=tuple(sorted(shapes, key=lambda shape: shape.name))
    )


def compare_morphs(seal: MorphSeal | None, content: BodyContent, at: SurfacePoints) -> PartReport:
    """Return how a body's face shapes match a seal. `at`: the sealed fingerprint's points on this body."""
    if seal is not None and (why := content.problems.get("morphs")):
        return PartReport(PartVerdict.ALTERED, why)
    if why := content.unread.get("morphs"):
        return PartReport(PartVerdict.UNREAD, why)
    found = {shape_key(morph.name): morph for morph in content.morphs}
    if seal is None:
        if found:
            reason = f"the file has {len(found)} face shapes; the bound body has none"
            return PartReport(PartVerdict.ADDED, reason)
        return PartReport(PartVerdict.UNBOUND, "neither the file nor the binding has face shapes")
    if not found:
        names = tuple(shape.name for shape in seal.shapes)
        return PartReport(PartVerdict.MISSING, "the file has no face shapes", missing=names)
    if morphs_digest(content) == seal.digest:
        return PartReport(
            PartVerdict.EXACT, f"all {len(found)} face shapes are those that were bound", unit="mm"
        )
    bound = {shape.name: shape for shape in seal.shapes}
    extra = sorted(set(found) - set(bound))
    missing = tuple(sorted(set(bound) - set(found)))
    changed, worst = [], 0.0
    for name in sorted(set(bound) & set(found)):
        apart, elsewhere = apart_mm(bound[name], content, found[name], at)
        worst = max(worst, apart)
        if apart > MAX_MM + MAX_SHARE * bound[name].largest_um / 1000:
            changed.append((apart, f"{name} differs by {apart:.1f} mm"))
        elif elsewhere > MEAN_MM + MEAN_SHARE * bound[name].mean_um / 1000:
            changed.append((elsewhere, f"{name} moves other places too, {elsewhere:.2f} mm on average"))
    if changed or extra:
        told = [words for _, words in sorted(changed, reverse=True)[:3]]
        told += [f"{len(changed) - 3} more differ"] if len(changed) > 3 else []
        told += [f"{some_names(extra)} was not bound"] if extra else []
        return PartReport(PartVerdict.ALTERED, "; ".join(told), worst, "mm", missing)
    kept = f"the same within {worst:.2f} mm"
    if missing:
        some = some_names(missing)
        reason = (
            f"{len(missing)} of {len(bound)} face shapes are not in the file ({some}); the others are {kept}"
        )
        return PartReport(PartVerdict.MISSING, reason, worst, "mm", missing)
    return PartReport(PartVerdict.KEPT, f"all {len(bound)} face shapes are {kept}", worst, "mm")


def morphs_digest(content: BodyContent) -> str:
    """Return `morphs-sha256-v1:` and 64 hex digits over all face shapes.

    For each shape in the order of `shape_key`: the name, and the set of rows (position, displacement; both
    float32) of the vertices that it moves by more than `LEAST_M` and a triangle uses. The order, splitting
    and welding of vertices make no difference.
    """
    used = np.zeros(len(content.positions), bool)
    used[used_vertices(content.faces)] = True
    digest = Digest(_HEADER, len(content.morphs))
    for morph in sorted(content.morphs, key=lambda morph: shape_key(morph.name)):
        moved = np.linalg.norm(morph.deltas.astype(np.float64), axis=1) > LEAST_M
        kept = moved & used[morph.vertex_ids]
        digest.add_text(shape_key(morph.name))
        zero = np.float32(0)  # adding it turns -0.0 into 0.0
        digest.add_rows([content.positions[morph.vertex_ids[kept]] + zero, morph.deltas[kept] + zero])
    return MORPHS_PREFIX + digest.hex()


def _seal_shape(content: BodyContent, morph: Morph, at: SurfacePoints) -> ShapeSeal:
    dense = _dense(content, morph)
    largest = _largest_um(content, dense)
    step = max(largest, 1) * 1e-6 / STEPS
    here = at.nearest.values(dense)
    length = np.linalg.norm(here, axis=1)
    steady = at.spread(lambda place: place.values(dense)) < STEADY_M + STEADY_SHARE * largest * 1e-6
    clear = steady & (length >= CLEAR_SHARE * largest * 1e-6) & (largest > 1)
    first = [int(np.where(clear, length, -1).argmax())] if clear.any() else []
    chosen = np.array(spread_out(at.points, clear, POINTS, first), np.int64)
    return ShapeSeal(
        name=shape_key(morph.name),
        largest_um=largest,
        mean_um=round(1e6 * float(length.mean())),
        moves=pack_rows(_ROW, point=chosen, delta=np.clip(np.rint(here[chosen] / step), -STEPS, STEPS)),
    )


def apart_mm(shape: ShapeSeal, content: BodyContent, morph: Morph, at: SurfacePoints) -> tuple[float, float]:
    """Return how far a shape is from the sealed one, mm: at a told place, and on average over all points."""
    rows = unpack_rows(_ROW, shape.moves, f"shape {shape.name}")
    index = check_index(rows["point"], len(at.points), f"shape {shape.name}")
    dense = _dense(content, morph)
    here = at.nearest.values(dense)
    wanted = rows["delta"] * (max(shape.largest_um, 1) * 1e-6 / STEPS)
    apart = 1000 * np.linalg.norm(here[index] - wanted, axis=1)
    largest = abs(_largest_um(content, dense) - shape.largest_um) / 1000
    mean = abs(1e6 * float(np.linalg.norm(here, axis=1).mean()) - shape.mean_um) / 1000
    return max(float(apart.max(initial=0.0)), largest), mean


def _largest_um(content: BodyContent, dense: F64) -> int:
    return int(np.rint(1e6 * np.linalg.norm(dense[used_vertices(content.faces)], axis=1).max(initial=0.0)))


def _dense(content: BodyContent, morph: Morph) -> F64:
    dense = np.zeros((len(content.positions), 3))
    dense[morph.vertex_ids] = morph.deltas
    if not np.isfinite(dense).all():
        raise InputError(f"the face shape {morph.name} moves a vertex to no finite place.")
    return dense
