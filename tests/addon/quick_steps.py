"""Stands in for the `bodyscan` command: real requests and folders, made-up people in a second.

    python quick_steps.py HOME steps

`HOME/mode` says how the next steps go, a line a step: `fit hang`, `twin stage`. `HOME/twin.glb` is every
twin. `HOME/asked` gets each request, a line of JSON each.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS)]

import numpy as np  # noqa: E402

from addon.edit_people import fit_of, scan_of, truth  # noqa: E402
from bodyscan.errors import BodyscanError  # noqa: E402
from bodyscan.steps.arrays import fit_arrays, scan_arrays, texture_arrays, write_arrays  # noqa: E402
from bodyscan.steps.folder import StepState, WorkFolder  # noqa: E402
from bodyscan.steps.request import (  # noqa: E402
    ExportRequest,
    FitRequest,
    ScanRequest,
    TextureRequest,
    TwinRequest,
    read_request,
)
from bodyscan.types import SkinTextures, Texture  # noqa: E402

HOME = Path(sys.argv[1])
SIZE = 64


def tell(**event: Any) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def mode_of(step: str) -> str:
    path = HOME / "mode"
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.split(maxsplit=1)[1] for line in lines if line.split()[0] == step), "well")


def scan_step(request: ScanRequest, mode: str) -> StepState:
    folder = WorkFolder.create(request.folder)
    folder.put_consent(Path(request.consent).read_text())
    scan = scan_of(*truth(), cloud=mode == "cloud")
    if mode == "textured":
        mesh = scan.mesh
        uvs = np.stack([mesh.vertices[:, 0] % 1, 1 - mesh.vertices[:, 1] / 2], axis=1).astype(np.float32)
        image = np.zeros((32, 16, 3), np.uint8)
        image[:16] = (200, 30, 30)  # the upper half of the picture, and of the person
        scan = replace(scan, mesh=replace(mesh, uvs=uvs, colors=None), texture=Texture(image))
    arrays, facts = scan_arrays(scan)
    values = {
        "source": Path(request.capture).name,
        "consent_file": request.consent,
        "inferred": ["unit", "up", "facing"],
        "notes": ["The scan was upside down."],
        "landmarks": len(scan.landmarks.names) if scan.landmarks else 0,
    }
    told = {"summary": "A made-up scan.", "warnings": [], "values": values}
    return folder.keep("scan", told, "", lambda place: write_arrays(place / "scan.npz", arrays, facts))


def fit_step(request: FitRequest, mode: str) -> StepState:
    folder = WorkFolder(request.folder)
    model, params = truth()
    before = len(folder.results("fit"))
    moved = replace(params, translation=params.translation + np.array([0.01 * before, 0, 0]))
    fit = fit_of(model, moved, len(folder.scan().mesh.vertices))
    if mode == "poor":
        reasons = ("the scan lies 9.0 mm from the fitted surface on average; at most 6 mm is accepted",)
        fit = replace(
            fit, quality=replace(fit.quality, surface_mean_mm=9.0, acceptable=False, reasons=reasons)
        )
    arrays, facts = fit_arrays(fit)
    if mode == "no numbers":
        arrays["surface"] = np.full_like(arrays["surface"], np.nan)
    told = {
        "summary": "A made-up fit.",
        "warnings": ["The left hand could not be made out."],
        "values": {"quality": asdict(fit.quality), "guessed_hands": ["left"], "notes": []},
    }

    def write(place: Path) -> None:
        write_arrays(place / "fit.npz", arrays, facts)
        if mode == "damaged":
            (place / "fit.npz").write_bytes((place / "fit.npz").read_bytes()[:1000])

    return folder.keep("fit", told, folder.state()["scan"].result, write)


def texture_step(request: TextureRequest, mode: str) -> StepState:
    folder = WorkFolder(request.folder)
    albedo = np.zeros((SIZE, SIZE, 3), np.uint8)
    albedo[: SIZE // 2] = (200, 30, 30)
    normal = np.full((SIZE, SIZE, 3), (128, 128, 255), np.uint8)
    textures = SkinTextures(albedo, normal, np.full((SIZE, SIZE), 90, np.uint8), 0.6)
    told = {
        "summary": "A made-up texture.",
        "warnings": [],
        "values": {"size": SIZE, "surface": request.surface, "seen_share": 0.6, "notes": []},
    }

    def write(place: Path) -> None:
        if mode != "no colours":
            write_arrays(place / "textures.npz", *texture_arrays(textures))

    return folder.keep("texture", told, folder.state()["fit"].result, write)


def twin_step(request: TwinRequest, mode: str) -> StepState:
    folder = WorkFolder(request.folder)
    source = folder.source_of("twin", folder.state())
    told = {
        "summary": f"A made-up twin in the pose {request.pose}.",
        "warnings": ["The person is clothed: --surface skin makes a twin of the body."],
        "values": {"pose": request.pose},
    }

    def write(place: Path) -> None:
        (place / "twin.glb").write_bytes((HOME / "twin.glb").read_bytes())

    return folder.keep("twin", told, source.result if source else "", write)


def export_step(request: ExportRequest, mode: str) -> StepState:
    Path(request.output).write_bytes(WorkFolder(request.folder).twin_path.read_bytes())
    return StepState("done", summary=f"{Path(request.output).name} was written.")


def serve(line: str) -> None:
    values = json.loads(line)
    with (HOME / "asked").open("a") as file:
        file.write(json.dumps(values) + "\n")
    number = values["id"]
    try:
        request = read_request(values)
        step, mode = type(request).step, mode_of(type(request).step)
        tell(id=number, event="stage", stage=f"made up {step}", state="start")
        if mode == "hang":
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            time.sleep(600)
        if mode == "crash":
            print("the last words", file=sys.stderr, flush=True)
            os._exit(9)
        if mode in ("input", "consent", "stage", "missing", "bug"):
            words = f"This is an error of the kind {mode}; give it with --controller-key."
            return tell(id=number, event="error", kind=mode, message=words)
        run = {"scan": scan_step, "fit": fit_step, "texture": texture_step}
        run |= {"twin": twin_step, "export": export_step}
        state = run[step](request, mode)  # type: ignore[operator]
    except BodyscanError as error:
        return tell(id=number, event="error", kind="input", message=str(error))
    tell(id=number, event="stage", stage=f"made up {step}", state="done", seconds=0.1, remark="")
    return tell(
        id=number,
        event="done",
        summary=state.summary,
        warnings=list(state.warnings),
        values={"result": state.result, **state.values},
    )


tell(event="ready", version="0.1.0")
for request_line in sys.stdin:
    serve(request_line)
