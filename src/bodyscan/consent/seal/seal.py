"""Making a seal of a body and comparing a body with one."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bodyscan.consent.content import BodyContent
from bodyscan.consent.digest import DIGEST_PREFIX, geometry_digest
from bodyscan.consent.fields import StrictModel
from bodyscan.consent.fingerprint import Fingerprint, compare, fingerprint
from bodyscan.consent.seal.morphs import MorphSeal, compare_morphs, seal_morphs
from bodyscan.consent.seal.place import guess, is_inside_out
from bodyscan.consent.seal.points import SurfacePoints
from bodyscan.consent.seal.report import SealReport
from bodyscan.consent.seal.rig import RigSeal, compare_rig, seal_rig
from bodyscan.consent.seal.texture import TextureSeal, compare_texture, seal_texture
from bodyscan.consent.state import BindingVerdict


class Seal(StrictModel):
    """What a binding says of a body: its triangles, and apart from them its rig, face shapes and colours."""

    geometry: Annotated[str, Field(pattern=f"^{DIGEST_PREFIX}[0-9a-f]{{64}}$")]
    """`geometry_digest` of the body in its rest pose."""
    fingerprint: Fingerprint
    """The same surface told coarsely; its points are those that the parts speak of."""
    rig: RigSeal | None = None
    """None where the body has no skeleton."""
    morphs: MorphSeal | None = None
    """None where the body has no face shapes."""
    texture: TextureSeal | None = None
    """None where the body has no colours."""


def seal(content: BodyContent) -> Seal:
    """Return the seal of a body. Same body, same seal.

    Raises `InputError` where the body has no triangle with an area or reaches further than 3.2 m from the
    origin.
    """
    digest = geometry_digest(content.positions, content.faces)
    known = fingerprint(content.positions, content.faces)
    at = SurfacePoints(content, known.positions())
    return Seal(
        geometry=digest,
        fingerprint=known,
        rig=seal_rig(content, at),
        morphs=seal_morphs(content, at),
        texture=seal_texture(content, at),
    )


def compare_seal(seal: Seal, content: BodyContent) -> SealReport:
    """Return how a body matches a seal.

    Raises `InputError` where the body has no triangle with an area or the seal's rows cannot be read.
    """
    at = SurfacePoints(content, seal.fingerprint.positions())
    geometry, moved_mm, mean_mm, problems = _compare_geometry(seal, content, at)
    return SealReport(
        geometry=geometry,
        moved_mm=moved_mm,
        mean_mm=mean_mm,
        problems=problems,
        rig=compare_rig(seal.rig, content, at),
        morphs=compare_morphs(seal.morphs, content, at),
        texture=compare_texture(seal.texture, content, at),
    )


def _compare_geometry(
    seal: Seal, content: BodyContent, at: SurfacePoints
) -> tuple[BindingVerdict, float, float, tuple[str, ...]]:
    if geometry_digest(content.positions, content.faces) == seal.geometry:
        return BindingVerdict.EXACT, 0.0, 0.0, ()
    deviation = compare(seal.fingerprint, content.positions, content.faces)
    problems = deviation.problems
    if problems:
        words = guess(seal.fingerprint, content, at)
        problems = (words, *problems) if words else problems
    if is_inside_out(content):
        problems = (*problems, "its triangles are turned inside out")
    verdict = BindingVerdict.ALTERED if problems else BindingVerdict.REPACKED
    return verdict, deviation.max_mm, deviation.mean_mm, problems
