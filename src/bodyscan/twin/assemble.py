"""Puts a twin together. A twin without a consent that covers it cannot be built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from bodyscan.consent import (
    Fingerprint,
    Purpose,
    SigningKey,
    TrustedKeys,
    Use,
    bind,
    fingerprint,
    geometry_digest,
    require_bound_consent,
    require_consent,
)
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

Binder = Callable[[str, Fingerprint], str]
"""Takes digest and fingerprint of a surface, returns the bound consent text: for keys in other hands."""

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
    trusted: TrustedKeys | None = None,
) -> Twin:
    """Return the twin, with the consent bound to its geometry and to each of its parts with one of its own.

    `rig` and `morphs`: as the file holds them, split at UV seams (`split_at_seams`), with `vertex_source`
    (V,) the body's vertex of each; without it, on a surface of their own. `consent`: the signed record's
    JSON text; it must be valid at `now` (UTC) and cover both `use` and making a twin. `controller_key`: the
    key of the record's controller, who binds the record to this surface (`bodyscan.consent.bind`), or a
    function that has it done elsewhere; what it returns is checked. `landmarks`: name -> metres in the bind
    pose. `parts`: textures, levels of detail and collision body, in the same bind pose. `trusted`: keys that
    the caller knows, where the record must be signed by one of them.

    Raises `ConsentError` without such a consent or without a key to bind it, `InputError` where the key is
    another's, the pose is unknown, or rig, morphs, parts and sources do not belong together.
    """
    if pose not in POSES:
        raise InputError(f"The pose '{pose}' is unknown; possible are {', '.join(POSES)}.")
    making = Use(Purpose.MAKE_TWIN, use.territory, use.medium, use.when)
    require_consent(consent, use=making, now=now, trusted=trusted)
    signed = require_consent(consent, use=use, now=now, trusted=trusted)
    assert consent is not None  # require_consent refused None
    if controller_key is None:
        raise ConsentError(
            "There is no key to bind the consent to this geometry: a record that is not bound could be put "
            "on anybody. Give the key of the record's controller."
        )
    count = len(rig.mesh.vertices)
    source = np.arange(count, dtype=np.int32) if vertex_source is None else vertex_source
    _check_lengths(count, source, morphs)

    def bound_to(part: Rig) -> str:
        if part.skeleton.joint_names != rig.skeleton.joint_names:
            raise InputError("A part of the twin stands on another skeleton than the twin; rig both alike.")
        digest, about = twin_digest(part), twin_fingerprint(part)
        if isinstance(controller_key, SigningKey):
            text = bind(
                consent,
                digest,
                controller_key,
                created_at=now,
                software=provenance.software,
                fingerprint=about,
            )
        else:
            text = controller_key(digest, about)
        record = require_bound_consent(text, digest, use=use, now=now, trusted=trusted)
        if record.sha256() != signed.sha256():
            raise ConsentError(
                f"The binding came back with another record ({record.record_id}) than the one that was given "
                f"({signed.record_id}); bind the record that this person signed."
            )
        return text

    parts = parts or TwinParts()
    return Twin(
        rig=rig,
        vertex_source=_read_only(source),
        morphs=tuple(morphs),
        measurements=tuple(measurements),
        landmarks=_landmarks(landmarks),
        consent=bound_to(rig),
        provenance=provenance,
        pose=pose,
        textures=_checked_textures(parts.textures, rig),
        levels=tuple(replace(level, consent=bound_to(level.rig)) for level in parts.levels),
        collision=parts.collision and replace(parts.collision, consent=bound_to(parts.collision.rig)),
    )


def _check_lengths(count: int, source: I32, morphs: tuple[Morph, ...]) -> None:
    if len(source) != count:
        raise InputError(f"vertex_source has {len(source)} entries for {count} vertices; split rig and all.")
    for morph in morphs:
        if len(morph.vertex_ids) and not 0 <= morph.vertex_ids.min() <= morph.vertex_ids.max() < count:
            raise InputError(f"The morph '{morph.name}' names a vertex outside 0..{count - 1}.")


def twin_digest(rig: Rig) -> str:
    """Return the geometry digest of a rig's surface as a GLB holds it: float32 positions."""
    return geometry_digest(rig.mesh.vertices.astype(np.float32), rig.mesh.faces)


def twin_fingerprint(rig: Rig) -> Fingerprint:
    """Return the fingerprint of a rig's surface as a GLB holds it: float32 positions."""
    return fingerprint(rig.mesh.vertices.astype(np.float32), rig.mesh.faces)


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
