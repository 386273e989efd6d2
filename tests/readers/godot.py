"""Godot 3 without a window: the editor imports the file, a script looks at the scene.

The scene importer of Godot 3.2 is a part of the editor. `--editor --quit` imports and then does not end
(3.2.3, Debian), so that it is ended here as soon as the scene stands in the project.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from gltf.tools import need_program
from readers.report import ARM_DEGREES, ReaderReport, TextureSeen, refused

SCRIPT = Path(__file__).with_name("godot_look.gd")
IMPORT_S, LOOK_S = 60, 30
PROJECT = 'config_version=4\n\n[application]\n\nconfig/name="twin"\n'
NOISE = ("Invalid locale", "Unsupported locale", "free_static")
"""Said without any file too: of the system's language, and of an allocator at the import's end."""


def read(path: Path, arm: str, shape: str) -> ReaderReport:
    """Return what Godot sees. Nothing is drawn, for the server has no renderer, and it writes no glTF."""
    program = need_program("godot3-server")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    name = f"Godot {version.partition('.stable')[0].strip()}"
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        (project / "project.godot").write_text(PROJECT)
        shutil.copyfile(SCRIPT, project / SCRIPT.name)
        shutil.copyfile(path, project / "twin.glb")
        problems = _import(program, project)
        done = subprocess.run(
            [program, "--path", folder, "-s", SCRIPT.name, arm, f"{ARM_DEGREES:g}", shape],
            env=_environment(project),
            capture_output=True,
            text=True,
            timeout=LOOK_S,
            check=False,
        )
    line = next((one for one in done.stdout.splitlines() if one.startswith("REPORT ")), None)
    if line is None:
        return refused(name, *problems)
    report = json.loads(line[len("REPORT ") :])
    return ReaderReport(
        reader=name,
        loaded=True,
        problems=problems,
        joints=tuple(report["bones"]),
        morphs=tuple(report["shapes"]),
        textures=tuple(
            TextureSeen(one["use"], int(one["width"]), int(one["height"]), tuple(one["mean"]))
            for one in report["textures"]
        ),
        triangles=int(report["triangles"]),
        height_m=report["height_m"],
        arm_m=report["arm_m"],
        jaw_m=report["jaw_m"],
        extras=False,
    )


def _import(program: str, project: Path) -> tuple[str, ...]:
    """Let the editor import the project's files; return its errors, each once."""
    log = project / "log.txt"
    with log.open("wb") as stream:
        editor = subprocess.Popen(
            [program, "--path", str(project), "--editor", "--quit"],
            env=_environment(project),
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        try:
            until = time.monotonic() + IMPORT_S
            while editor.poll() is None and time.monotonic() < until and not _imported(project):
                time.sleep(0.1)
        finally:
            editor.kill()
            editor.wait()
    lines = log.read_text(errors="replace").splitlines()
    errors = (line for line in lines if line.startswith(("ERROR", "SCRIPT ERROR")))
    return tuple(dict.fromkeys(line for line in errors if not any(noise in line for noise in NOISE)))


def _imported(project: Path) -> bool:
    # The sum of the source is written after the scene, and after a failed import too.
    return any((project / ".import").glob("twin.glb-*.md5"))


def _environment(project: Path) -> dict[str, str]:
    # A home of its own: settings of the user's Godot are neither read nor written.
    home = project / ".home"
    return os.environ | {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_DATA_HOME": str(home)}
