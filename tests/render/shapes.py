"""Small named shapes for the tests of pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bodyscan.mark import MarkInfo
from bodyscan.types import (
    BodyFit,
    BodyParams,
    FitQuality,
    Measurement,
    Mesh,
    Morph,
    Provenance,
    ProvenanceStep,
    Rig,
    ScanMesh,
    Skeleton,
    Twin,
)

MARK = MarkInfo("urn:uuid:0123abcd-4567", "quiet-heron", "make_twin", "bodyscan test", "0123456789abcdef")
EMPTY = Mesh(np.zeros((0, 3)), np.zeros((0, 3), np.int32))


def ball(radius: float = 0.5, centre: tuple[float, float, float] = (0, 0.5, 0), rings: int = 24) -> Mesh:
    """A sphere of quads cut in two, metres."""
    polar = np.linspace(0, np.pi, rings + 1)
    around = np.linspace(0, 2 * np.pi, 2 * rings, endpoint=False)
    p, a = np.meshgrid(polar, around, indexing="ij")
    points = np.stack([np.sin(p) * np.sin(a), np.cos(p), np.sin(p) * np.cos(a)], -1).reshape(-1, 3)
    n = 2 * rings
    row, column = np.meshgrid(np.arange(rings), np.arange(n), indexing="ij")
    here, beside = row * n + column, row * n + (column + 1) % n
    quads = np.stack([here, here + n, beside + n, beside], -1).reshape(-1, 4)
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)
    corners = points[faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    return Mesh(points * radius + centre, faces[area > 1e-12])


def stick_person() -> Rig:
    """Balls at the joints of a person in A-pose, each bound to its joint."""
    joints: list[tuple[str, int, tuple[float, float, float]]] = [
        ("hips", -1, (0, 0.95, 0)),
        ("spine", 0, (0, 1.1, 0)),
        ("head", 1, (0, 1.55, 0)),
    ]
    for side, s in (("left", 1), ("right", -1)):
        start = len(joints)
        joints += [
            (f"{side}UpperArm", 1, (s * 0.2, 1.4, 0)),
            (f"{side}LowerArm", start, (s * 0.4, 1.2, 0)),
            (f"{side}Hand", start + 1, (s * 0.55, 1.0, 0)),
            (f"{side}UpperLeg", 0, (s * 0.1, 0.9, 0)),
            (f"{side}LowerLeg", start + 3, (s * 0.11, 0.5, 0)),
            (f"{side}Foot", start + 4, (s * 0.12, 0.1, 0)),
            (f"{side}Toes", start + 5, (s * 0.13, 0.05, 0.15)),
        ]
    names = tuple(name for name, _, _ in joints)
    parents = np.array([parent for _, parent, _ in joints], np.int32)
    positions = np.array([place for _, _, place in joints])
    parts = [ball(0.1 if n == "head" else 0.045, p, 6) for n, _, p in joints]
    size = len(parts[0].vertices)
    mesh = Mesh(
        np.concatenate([part.vertices for part in parts]),
        np.concatenate([part.faces + i * size for i, part in enumerate(parts)]),
    )
    indices = np.zeros((len(mesh.vertices), 4), np.uint16)
    indices[:, 0] = np.repeat(np.arange(len(parts)), size)
    weights = np.zeros((len(mesh.vertices), 4), np.float32)
    weights[:, 0] = 1
    return Rig(mesh, Skeleton(names, parents, positions), indices, weights)


def soft(rig: Rig) -> Rig:
    """The same with two to four joints at each vertex, from a fixed seed."""
    random = np.random.default_rng(5)
    count, joints = len(rig.mesh.vertices), len(rig.skeleton.joint_names)
    weights = random.uniform(0.05, 1, (count, 4))
    weights = -np.sort(-weights / weights.sum(axis=1, keepdims=True), axis=1)
    indices = random.integers(0, joints, (count, 4)).astype(np.uint16)
    return replace(rig, joint_indices=indices, joint_weights=weights.astype(np.float32))


def all_morphs(rig: Rig, names: tuple[str, ...]) -> tuple[Morph, ...]:
    """Each named shape moves the first head vertices a little forward."""
    ids = np.flatnonzero(rig.joint_indices[:, 0] == 2)[:20].astype(np.int32)
    return tuple(Morph(name, ids, np.full((len(ids), 3), [0, 0, 0.02], np.float32)) for name in names)


def made_twin(note: str = "") -> tuple[ScanMesh, BodyFit, Twin]:
    """Scan, fit and twin of the stick person; `note` appears wherever a file's text may."""
    rig = stick_person()
    mesh = rig.mesh
    count = len(mesh.vertices)
    distance = np.linspace(-4, 4, count, dtype=np.float32)
    ones, zeros = np.ones(count, np.float32), np.zeros(count, np.float32)
    scan = ScanMesh(mesh, np.ones(count, np.float32), notes=(f"Removed 2 crumbs. {note}",))
    quality = FitQuality(
        1.2, 3.4, 2.5, 0.9, 0.95, 1, 0.8, 0.3, 0.7, not note, (f"Too far off. {note}",) if note else ()
    )
    params = BodyParams(np.zeros(1), np.zeros((1, 3)), np.zeros(3))
    fit = BodyFit(
        params, mesh, mesh, mesh, rig.skeleton, distance, ones, zeros, quality, iterations=12, notes=(note,)
    )
    step = ProvenanceStep("fit" + note, "1" + note, 2.5, {"levels" + note: note or 3}, (note,))
    origin = Provenance(
        "bodyscan" + note, "ab" * 32, "scan.ply" + note, "model" + note, (step,), {"q" + note: note}
    )
    names = (
        "mouthSmileLeft", "mouthSmileRight", "cheekSquintLeft", "cheekSquintRight", "jawOpen",
        "eyeBlinkLeft", "eyeBlinkRight", "browInnerUp",
    )  # fmt: skip
    measured = (Measurement("height" + note, 171.25, "5.1.1" + note, "Floor to crown." + note),)
    twin = Twin(rig, np.arange(count), all_morphs(rig, names), measured, {}, "{}", origin)
    return scan, fit, twin
