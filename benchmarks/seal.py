"""How far tools move what a seal tells of a twin, and how far edits do: the limits lie between.

    python benchmarks/seal.py woman.glb man.glb heavy.glb -o benchmarks/results/seal.csv

The twins come from `bodyscan twin` with the master profile. Each is sealed, packed in many ways and edited;
the first other twin lends the face. A row a twin and change: the verdicts and the largest differences.
"""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from bodyscan.consent.seal import BodyContent, compare_seal, seal
from bodyscan.gltf.container import pack_glb, unpack_glb
from bodyscan.gltf.pack.options import PROFILES, PackOptions
from bodyscan.gltf.pack.pack import pack
from bodyscan.gltf.read_content import read_content

FACE = ((0.459, 0.576), (0.801, 0.928))
"""Rows and columns of brows, eyes, nose and lips in a twin's image, as shares of its side."""
COLUMNS = (
    "twin",
    "change",
    "geometry",
    "moved_mm",
    "rig",
    "rig_mm",
    "morphs",
    "morphs_mm",
    "texture",
    "levels",
)


def packings() -> dict[str, PackOptions]:
    """Name -> how the file is packed."""
    named = {f"profile {name}": options for name, options in PROFILES.items()}
    for bits in (12, 14, 16):
        named[f"quantised, {bits} bits"] = PackOptions(quantize=True, position_bits=bits)
        named[f"Draco, {bits} bits"] = PackOptions(quantize=True, compress="draco", position_bits=bits)
    named["meshopt"] = PackOptions(quantize=True, compress="meshopt")
    for kind in ("png", "jpeg", "webp"):
        for size in (2048, 1024, 512):
            named[f"{kind} {size}"] = PackOptions(textures=kind, texture_size=size)
    return named


def images(albedo: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the image as other tools would store it."""
    for kind, size, quality in (("JPEG", 512, 50), ("WEBP", 512, 50), ("JPEG", 256, 60), ("WEBP", 256, 75)):
        file = io.BytesIO()
        small = Image.fromarray(albedo).resize((size, size), Image.Resampling.LANCZOS)
        small.save(file, kind, quality=quality)
        yield f"{kind} {size}, quality {quality}", np.asarray(Image.open(file).convert("RGB"))


def edits(body: BodyContent, other: BodyContent) -> Iterator[tuple[str, BodyContent]]:
    """Yield what must be found: the body with one thing changed."""
    albedo, lent = body.albedo, other.albedo
    if albedo is None or lent is None or body.joint_weights is None or body.joint_indices is None:
        return
    yield "skeleton 1 cm aside", replace(body, joint_positions=body.joint_positions + np.array([0.01, 0, 0]))
    strongest = int(np.bincount(body.joint_indices[:, 0]).argmax())
    taken = np.where(body.joint_indices == strongest, body.joint_weights * np.float32(0.1), np.float32(0))
    yield (
        "a tenth of one joint's weights to the first joint",
        replace(
            body,
            joint_indices=np.concatenate([body.joint_indices, np.zeros_like(body.joint_indices)], axis=1),
            joint_weights=np.concatenate([body.joint_weights - taken, taken], axis=1),
        ),
    )
    for factor in (2.0, 1.2):
        shapes = tuple(
            replace(morph, deltas=morph.deltas * np.float32(factor if morph.name == "mouthSmileLeft" else 1))
            for morph in body.morphs
        )
        yield f"smile times {factor}", replace(body, morphs=shapes)
    yield (
        "smile left out",
        replace(body, morphs=tuple(morph for morph in body.morphs if morph.name != "mouthSmileLeft")),
    )
    yield "another person's skin", replace(body, albedo=lent)
    side = len(albedo)
    inner = tuple(slice(int(begin * side), int(end * side)) for begin, end in FACE)
    face, own = lent[inner].astype(np.float64), albedo[inner].astype(np.float64)
    face = (face - face.mean((0, 1))) / face.std((0, 1)) * own.std((0, 1)) + own.mean((0, 1))
    swapped = albedo.copy()
    swapped[inner] = np.clip(face, 0, 255).astype(np.uint8)
    yield "another face, tone and contrast matched", replace(body, albedo=swapped)
    yield "skin 3 % darker", replace(body, albedo=(albedo * 0.97).astype(np.uint8))
    warmer = np.clip(albedo.astype(np.int64) + np.array([6, 0, -6]), 0, 255).astype(np.uint8)
    yield "skin warmer by 6 levels", replace(body, albedo=warmer)
    if body.uvs is not None:
        yield "uvs 1/128 aside", replace(body, uvs=body.uvs + np.float32(1 / 128))


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("twins", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    if len(arguments.twins) < 2:
        parser.error("give at least two twins")
    bodies = {path.stem: read_content(path)[1] for path in arguments.twins}
    with arguments.output.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for path in arguments.twins:
            body = bodies[path.stem]
            known = seal(body)
            other = next(one for name, one in bodies.items() if name != path.stem)
            document, binary = unpack_glb(path)
            changed = [
                (name, read_content(pack_glb(*pack(document, binary, options)))[1])
                for name, options in packings().items()
            ]
            if body.albedo is not None:
                changed += [(name, replace(body, albedo=image)) for name, image in images(body.albedo)]
            changed += list(edits(body, other))
            for name, content in changed:
                found = compare_seal(known, content)
                parts = [
                    value for part in found.parts.values() for value in (part.verdict, f"{part.moved:.2f}")
                ]
                writer.writerow([path.stem, name, found.geometry, f"{found.moved_mm:.2f}", *parts])


if __name__ == "__main__":
    main()
