"""Puts a twin together. A twin without a consent that covers it cannot be built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from bodyscan.consent import (
    Evidence,
    Purpose,
    Seal,
    SigningKey,
    Use,
    bind,
    require_bound_consent,
    require_consent,
    seal,
)
from bodyscan.consent.content import content_of
from bodyscan.errors import ConsentError, InputError
from bodyscan.types import (
    I32,
    CollisionBody,
    Level,
    Measurement,
    Morph,
    Provenance,
    Rig,
    SkinTextures,
    Twin,
)

Binder = Callable[[Seal], str]
"""Takes the seal of a body, returns the bound consent text: for keys in other hands."""

POSES = ("captured", "a", "t")


@dataclass(frozen=True, eq=False)
class TwinParts:
    """What a twin has beside its surface, on the same skeleton and in the same bind pose."""

    textures: SkinTextures | None = None
    levels: tuple[Level, ...] = ()
    collision: CollisionBody | None = None


def assemble_twin(
    rig: Rig,
    morphs: tuple[Morph, ...],
    measurements: tuple[Measurement, ...],
    landmarks: Mapping[str, tuple[float, float, float]],
    provenance: Provenance,
    *,
    consent: str | None,
    use: Use,
    now: datetime,
    controller_key: SigningKey | Binder | None,
    pose: str,
    vertex_source: I32 | None = None,
    parts: TwinParts | None = None,
    evidence: Evidence | None = None,
) -> Twin:
    """Return the twin, with the consent bound to its geometry and to each of its parts with one of its own.

    `rig` and `morphs`: as the file holds them, split at UV seams (`split_at_seams`), with `vertex_source`
    (V,) the body's vertex of each; without it, on a surface of their own. `consent`: the signed record's
    JSON text; it must be valid at `now` (UTC) and cover both `use` and making a twin. `controller_key`: the
    key of the record's controller, who binds the record to this surface (`bodyscan.consent.bind`), or a
    function that has it done elsewhere; what it returns is checked. `landmarks`: name -> metres in the bind
    pose. `parts`: textures, levels of detail and collision body, in the same bind pose. `evidence`: what the
    caller knows of keys and of withdrawals (a record that names a status list needs it).

    Raises `ConsentError` without such a consent or without a key to bind it, `InputError` where the key is
    another's, the pose is unknown, or rig, morphs, parts and sources do not belong together.
    """
    if pose not in POSES:
        raise InputError(f"The pose '{pose}' is unknown; possible are {', '.join(POSES)}.")
    making = Use(Purpose.MAKE_TWIN, use.territory, use.medium, use.when)
    require_consent(consent, use=making, now=now, evidence=evidence)
    signed = require_consent(consent, use=use, now=now, evidence=evidence)
    assert consent is not None  # require_consent refused None
    if controller_key is None:
        raise ConsentError(
            "There is no key to bind the consent to this geometry: a record that is not bound could be put "
            "on anybody. Give the key of the record's controller."
        )
    count = len(rig.mesh.vertices)
    source = np.arange(count, dtype=np.int32) if vertex_source is None else vertex_source
    _check_lengths(count, source, morphs)

    parts = parts or TwinParts()

    def bound_to(part: Rig, shapes: tuple[Morph, ...], textures: SkinTextures | None) -> str:
        if part.skeleton.joint_names != rig.skeleton.joint_names:
            raise InputError("A part of the twin stands on another skeleton than the twin; rig both alike.")
        about = seal(content_of(part, shapes, textures))
        if isinstance(controller_key, SigningKey):
            text = bind(
                consent,
                about,
                controller_key,
                created_at=now,
                software=provenance.software,
                scan_sha256=provenance.input_sha256 or None,
            )
        else:
            text = controller_key(about)
        record = require_bound_consent(text, about.geometry, use=use, now=now, evidence=evidence)
        if record.sha256() != signed.sha256():
            raise ConsentError(
                f"The binding came back with another record ({record.record_id}) than the one that was given "
                f"({signed.record_id}); bind the record that this person signed."
            )
        return text

    def bound_level(level: Level) -> Level:
        return replace(level, consent=bound_to(level.rig, level.morphs, parts.textures))

    collision = parts.collision
    if collision is not None:
        collision = replace(collision, consent=bound_to(collision.rig, (), None))
    return Twin(
        rig=rig,
        vertex_source=_read_only(source),
        morphs=tuple(morphs),
        measurements=tuple(measurements),
        landmarks=_landmarks(landmarks),
        consent=bound_to(rig, tuple(morphs), parts.textures),
        provenance=provenance,
        pose=pose,
        textures=_checked_textures(parts.textures, rig),
        levels=tuple(bound_level(level) for level in parts.levels),
        collision=collision,
    )


def _check_lengths(count: int, source: I32, morphs: tuple[Morph, ...]) -> None:
    if len(source) != count:
        raise InputError(f"vertex_source has {len(source)} entries for {count} vertices; split rig and all.")
    for morph in morphs:
        if len(morph.vertex_ids) and not 0 <= morph.vertex_ids.min() <= morph.vertex_ids.max() < count:
            raise InputError(f"The morph '{morph.name}' names a vertex outside 0..{count - 1}.")


def _checked_textures(textures: SkinTextures | None, rig: Rig) -> SkinTextures | None:
    if textures is not None and rig.mesh.uvs is None:
        raise InputError("The twin has textures and no texture coordinates to look them up with.")
    return textures


def _landmarks(
    landmarks: Mapping[str, tuple[float, float, float]],
) -> dict[str, tuple[float, float, float]]:
    out = {}
    for name, point in landmarks.items():
        x, y, z = (float(value) for value in point)
        if not np.isfinite([x, y, z]).all():
            raise InputError(f"The landmark '{name}' lies at {point}; a position is three finite metres.")
        out[name] = (x, y, z)
    return out


def _read_only(array: I32) -> I32:
    array = np.array(array, np.int32)
    array.flags.writeable = False
    return array
