"""`bodyscan inspect`: what is in a scan, a depth capture or a twin."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from bodyscan.cli.errors import run_guarded
from bodyscan.cli.output import print_result
from bodyscan.errors import BodyscanError, InputError
from bodyscan.run.outputs import size_words
from bodyscan.run.scan import is_depth

app = typer.Typer()

Told = tuple[dict[str, Any], list[tuple[str, str]]]
PERSON_M = (0.75, 2.35)
METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254}


@app.command()
@run_guarded
def inspect(
    file: Annotated[Path, typer.Argument(help="A twin (.glb), a raw scan, or a depth capture.")],
    people: Annotated[
        bool, typer.Option("--people", help="Of a depth capture: tell who is seen in some of its frames.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Tell what is in a scan, a depth capture or a twin. Judges none: see validate, and consent verify."""
    if not file.exists():
        raise InputError(f"There is no file {file}. Give the path of a scan, a depth capture or a twin.")
    if is_depth(file):
        values, rows = _depth(file, people)
    elif people:
        raise InputError(f"{file} is no depth capture: --people looks into the frames of one.")
    else:
        values, rows = _twin(file) if _is_twin(file) else _scan(file)
    print_result(values, rows, as_json)


def _is_twin(file: Path) -> bool:
    """A GLB with a skin; a raw scan has none."""
    if file.suffix.lower() != ".glb" or file.is_dir():
        return False
    from bodyscan.gltf.container import unpack_glb

    document, _ = unpack_glb(file)
    return bool(document.get("skins"))


def _twin(file: Path) -> Told:
    from bodyscan.gltf import read_glb

    body = read_glb(file)
    size = file.stat().st_size
    low, high = body.positions.min(axis=0), body.positions.max(axis=0)
    names = body.skeleton.joint_names
    consent_values, consent_rows = _consent(body.consent)
    origin = body.provenance
    values: dict[str, Any] = {
        "kind": "twin",
        "file": str(file),
        "size_bytes": size,
        "vertices": len(body.positions),
        "triangles": len(body.faces),
        "size_m": (high - low).round(4).tolist(),
        "pose": body.pose or None,
        "joints": list(names),
        "face_shapes": list(body.morph_names),
        "has": {
            "uvs": body.uvs is not None,
            "colors": body.colors is not None,
            "normals": body.normals is not None,
        },
        "measurements_cm": {m.name: m.value_cm for m in body.measurements},
        "landmarks_m": {name: list(place) for name, place in body.landmarks.items()},
        "consent": consent_values,
        "provenance": None
        if origin is None
        else {
            "software": origin.software,
            "input_name": origin.input_name,
            "input_sha256": origin.input_sha256,
            "body_model": origin.body_model,
            "quality": dict(origin.quality),
            "steps": [{"stage": step.stage, "seconds": step.seconds} for step in origin.steps],
        },
    }
    width, height, depth = high - low
    rows = [
        ("twin", f"{file.name}, {size_words(size)}"),
        ("mesh", f"{len(body.positions):,} vertices, {len(body.faces):,} triangles"),
        ("size", f"{height:.3f} m high, {width:.3f} m wide, {depth:.3f} m deep"),
        ("has", ", ".join(name for name, there in values["has"].items() if there) or "positions alone"),
        ("pose", body.pose or "the file does not say"),
        ("joints", f"{len(names)}: {', '.join(names[:6])}" + (" ..." if len(names) > 6 else "")),
        ("face shapes", str(len(body.morph_names))),
        ("landmarks", str(len(body.landmarks))),
        *consent_rows,
    ]
    if origin is not None:
        rows += [
            ("made by", origin.software),
            ("from", f"{origin.input_name or 'an unnamed scan'}, SHA-256 {origin.input_sha256[:16]} ..."),
            ("body model", origin.body_model),
            ("stages", ", ".join(f"{step.stage} {step.seconds:.1f} s" for step in origin.steps)),
        ]
        rows += [(f"quality: {name}", _short(value)) for name, value in origin.quality.items()]
    rows += [(m.name.replace("_", " "), f"{m.value_cm:.1f} cm") for m in body.measurements]
    return values, rows


def _consent(text: str | None) -> tuple[dict[str, Any] | None, list[tuple[str, str]]]:
    if text is None:
        return None, [("consent", "NONE: the file carries no consent record")]
    from bodyscan.consent.describe import describe, open_any

    try:
        signed, binding = open_any(text)
    except BodyscanError as error:
        return {"problem": str(error)}, [("consent", f"NOT SOUND: {error}")]
    values = {
        "record": signed.record.model_dump(mode="json", exclude_none=True),
        "binding": binding.model_dump(mode="json", exclude_none=True) if binding else None,
    }
    return values, [(f"consent: {label}", text) for label, text in describe(signed, binding)]


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return "; ".join(map(str, value)) or "none"
    return str(value)


def _depth(path: Path, people: bool) -> Told:
    from bodyscan.capture.depth import read_depth
    from bodyscan.cli.inspect_depth import describe_depth

    return describe_depth(path, read_depth(path), people)


def _scan(file: Path) -> Told:
    from bodyscan.capture import read_scan

    capture = read_scan(file)
    mesh = capture.mesh
    extent = np.ptp(mesh.vertices, axis=0)
    units = [unit for unit, metres in METRES.items() if PERSON_M[0] <= extent.max() * metres <= PERSON_M[1]]
    color = "texture" if capture.texture else "vertex colours" if mesh.colors is not None else "none"
    values = {
        "kind": "cloud" if mesh.is_cloud else "mesh",
        "file": str(file),
        "size_bytes": file.stat().st_size,
        "sha256": capture.sha256,
        "vertices": len(mesh.vertices),
        "triangles": len(mesh.faces),
        "color": color,
        "extent": extent.tolist(),
        "units_of_a_person": units,
        "notes": list(capture.notes),
    }
    guess = (
        f"{' or '.join(units)}, if the longest side is a standing person's height"
        if units
        else "none makes the longest side a person's height"
    )
    rows = [
        ("scan", f"{file.name}, {capture.file_format.upper()}, {size_words(file.stat().st_size)}"),
        ("kind", "point cloud" if mesh.is_cloud else "mesh"),
        ("vertices", f"{len(mesh.vertices):,}"),
        ("triangles", f"{len(mesh.faces):,}"),
        ("colour", color),
        ("extent", " x ".join(f"{side:.4g}" for side in extent) + " in the file's unit"),
        ("unit", guess),
        ("SHA-256", capture.sha256),
    ]
    return values, rows + [("note", note) for note in capture.notes]
