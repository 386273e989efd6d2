"""`bodyscan doctor`: which parts are installed, and what each is for."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from bodyscan import __version__
from bodyscan.cli.errors import run_guarded
from bodyscan.cli.output import print_result

app = typer.Typer()

INCOMPLETE = 5
IMPORT_TIMEOUT_S = 120


@dataclass(frozen=True)
class Part:
    """Something that some job needs."""

    name: str
    """What is imported, or the program that is looked for."""
    purpose: str
    package: str = ""
    """Distribution name; empty for a program."""
    needed: bool = True
    """False for what only an extra or the tests want."""
    hint: str = ""
    """How to get it."""


@dataclass(frozen=True)
class Finding:
    """One part and its state."""

    part: str
    state: str
    """`ok`, `missing` or `broken`."""
    version: str
    purpose: str
    needed: bool
    detail: str = ""


SET_UP = "run `make setup` in a clone, or `pip install -r requirements/core.txt`"
CORE = (
    Part("numpy", "arrays", "numpy", hint=SET_UP),
    Part("scipy", "sparse algebra, nearest neighbours", "scipy", hint=SET_UP),
    Part("trimesh", "some scan formats", "trimesh", hint=SET_UP),
    Part("open3d", "rays against surfaces, decimation", "open3d-cpu", hint=SET_UP),
    Part("embreex", "inside and outside of loose surfaces", "embreex", hint=SET_UP),
    Part("cv2", "videos of captures", "opencv-contrib-python", hint=SET_UP),
    Part("mediapipe.python.solutions.pose", "landmarks on pictures of the scan", "mediapipe", hint=SET_UP),
    Part("pygltflib", "writing GLB", "pygltflib", hint=SET_UP),
    Part("PIL", "pictures", "pillow", hint=SET_UP),
    Part("psutil", "memory of batches", "psutil", hint=SET_UP),
    Part("pydantic", "the consent record", "pydantic", hint=SET_UP),
    Part("cryptography", "keys and signatures", "cryptography", hint=SET_UP),
    Part("joserfc", "signed JSON", "joserfc", hint=SET_UP),
    Part("rfc8785", "canonical JSON", "rfc8785", hint=SET_UP),
)
EXTRAS = (
    Part("bpy", "FBX, USDZ and .blend", "bpy", False, "pip install 'bodyscan[blender]', Python 3.11"),
    Part("DracoPy", "files compressed with Draco", "DracoPy", False, "pip install 'bodyscan[draco]'"),
    Part("rfc3161_client", "time stamps", "rfc3161-client", False, "pip install 'bodyscan[timestamp]'"),
    Part("c2pa", "C2PA manifests", "c2pa-python", False, "pip install 'bodyscan[c2pa]'"),
    Part("distributed", "batches on a cluster", "distributed", False, "pip install 'bodyscan[cluster]'"),
    Part("s3fs", "batches from and to s3://", "s3fs", False, "pip install 'bodyscan[cloud]'"),
    Part("lzfse", "captures of Record3D", "lzfse", False, "pip install 'bodyscan[record3d]'"),
)
PROGRAMS = (
    Part("node", "the Khronos validator", needed=False, hint="Debian: apt-get install nodejs"),
    Part("chromium", "the test that poses a twin in three.js", needed=False, hint="apt-get install chromium"),
    Part("chromedriver", "the same", needed=False, hint="apt-get install chromium-driver"),
)


@app.command(epilog="Exit codes: 0 the core is complete, 5 something that it needs is missing or broken.")
@run_guarded
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Tell which parts are installed, and what each is for. Imports each, so it takes some seconds."""
    findings = [
        *(check_module(part) for part in (*CORE, *EXTRAS)),
        *(check_program(part) for part in PROGRAMS),
    ]
    machine = {
        "bodyscan": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
    }
    complete = all(finding.state == "ok" for finding in findings if finding.needed)
    values = {**machine, "complete": complete, "parts": [asdict(finding) for finding in findings]}
    rows = [(name, str(value)) for name, value in machine.items()]
    rows += [(finding.part, _told(finding)) for finding in findings]
    rows.append(("core", "complete" if complete else "NOT complete"))
    print_result(values, rows, as_json)
    if not complete:
        raise typer.Exit(INCOMPLETE)


def check_module(part: Part) -> Finding:
    """Import a module in a process of its own: some abort the process where a system library is missing."""
    if importlib.util.find_spec(part.name.split(".", 1)[0]) is None:
        return Finding(part.name, "missing", "", part.purpose, part.needed, part.hint)
    try:
        done = subprocess.run(
            [sys.executable, "-c", f"import {part.name}"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=IMPORT_TIMEOUT_S,
            check=False,
        )
        problem = "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no message"])[-1]
        if problem and done.returncode < 0:
            problem = f"ended by signal {-done.returncode}: {problem}"
    except subprocess.TimeoutExpired:
        problem = f"the import did not end within {IMPORT_TIMEOUT_S} s"
    state = "broken" if problem else "ok"
    return Finding(part.name, state, _version(part.package), part.purpose, part.needed, problem)


def check_program(part: Part) -> Finding:
    """Look for a program on the path."""
    path = shutil.which(part.name)
    state = "ok" if path else "missing"
    return Finding(part.name, state, "", part.purpose, part.needed, path or part.hint)


def _version(package: str) -> str:
    if not package:
        return ""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _told(finding: Finding) -> str:
    state = finding.state if finding.needed or finding.state == "ok" else f"{finding.state} (optional)"
    detail = f": {finding.detail}" if finding.detail and finding.state != "ok" else ""
    return f"{state:<8} {finding.version or '':<12} {finding.purpose}{detail}"
