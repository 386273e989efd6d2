from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bodyscan.convert import blender_process
from bodyscan.convert.blender_process import need_blender, run_in_blender
from bodyscan.errors import InputError, MissingExtraError, StageError
from bodyscan.gltf import twin_to_glb
from gltf.full_size import full_size_twin
from gltf.shapes import CONSENT, small_twin
from gltf.tools import need_module

ENDS_S = 20.0
"""Within this time a process without a parent is gone, on a busy machine."""


def run_script(monkeypatch, folder: Path, source: str, timeout_s: float = 30.0):
    """Run a script in the place of Blender's, on an empty job."""
    script = folder / "script.py"
    script.write_text(source)
    monkeypatch.setattr(blender_process, "SCRIPT", script)
    work = folder / "work"
    work.mkdir()
    return run_in_blender({}, work, timeout_s)


def answering(answer: dict[str, object]) -> str:
    return f"print('noise', end=''); print('\\nBODYSCAN-CONVERT ' + {json.dumps(answer)!r})"


def job_for(folder: Path, outputs: dict[str, str], glb: bytes | None = None) -> dict[str, object]:
    source = folder / "twin.glb"
    source.write_bytes(twin_to_glb(small_twin()) if glb is None else glb)
    return {"glb": str(source), "record": CONSENT, "outputs": outputs, "folder": str(folder)}


def test_the_last_answer_is_read_out_of_all_noise(monkeypatch, tmp_path):
    assert run_script(monkeypatch, tmp_path, answering({"blender": "4.5"})) == {"blender": "4.5"}


def test_a_crash_is_told_with_its_signal(monkeypatch, tmp_path):
    with pytest.raises(StageError, match=r"crashed or was ended from outside \(signal SIGABRT\).*unchanged"):
        run_script(monkeypatch, tmp_path, "import os; os.abort()")


def test_an_end_without_an_answer_is_told_with_its_last_words(monkeypatch, tmp_path):
    with pytest.raises(StageError, match="ended with 3 and no answer; its last words: no display"):
        run_script(monkeypatch, tmp_path, "import sys; print('no display', file=sys.stderr); sys.exit(3)")


def test_silence_is_told_too(monkeypatch, tmp_path):
    with pytest.raises(StageError, match="ended with 0 and no answer; its last words: none"):
        run_script(monkeypatch, tmp_path, "")


def test_a_process_that_takes_too_long_is_ended(monkeypatch, tmp_path):
    note = f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))"
    source = f"import os, time; {note}; time.sleep(600)"
    with pytest.raises(
        StageError, match=r"not done after 2 s and was ended; nothing was written. Allow more"
    ):
        run_script(monkeypatch, tmp_path, source, timeout_s=2.0)
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize(
    ("problem", "error", "words"),
    [
        (
            "missing",
            MissingExtraError,
            r'cannot be loaded \(x\). Install it with pip install "bodyscan\[blender\]"',
        ),
        ("disk", InputError, "There is no room for Blender's files: x. Nothing was written; make room"),
        ("input", InputError, r"^x\.$"),
        ("stage", StageError, r"^x\. Nothing was written"),
    ],
)
def test_each_problem_has_its_error(monkeypatch, tmp_path, problem, error, words):
    with pytest.raises(error, match=words):
        run_script(monkeypatch, tmp_path, answering({"problem": problem, "message": "x"}))


def test_an_interpreter_that_cannot_be_started_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no python"))
    with pytest.raises(StageError, match="The process for Blender could not be started: No such file"):
        run_script(monkeypatch, tmp_path, "")


def test_settings_of_the_user_are_not_passed_on(monkeypatch, tmp_path):
    names = {"BLENDER_USER_SCRIPTS": "a", "OCIO": "b", "PXR_PLUGINPATH_NAME": "c", "KEPT": "d"}
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    source = "import json, os; print('BODYSCAN-CONVERT ' + json.dumps(dict(os.environ)))"
    seen = run_script(monkeypatch, tmp_path, source)
    assert seen["KEPT"] == "d"
    assert seen["BLENDER_USER_RESOURCES"] == str(tmp_path / "work" / "settings")
    assert seen["TMPDIR"] == str(tmp_path / "work" / "temporary")
    assert not names.keys() & seen.keys() - {"KEPT"}


def test_without_blender_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'pip install "bodyscan\[blender\]" \(Python 3.11 only\)'):
        need_blender()


def test_a_blender_that_lacks_a_library_is_told_with_its_name(monkeypatch, tmp_path):
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "bpy.py").write_text("raise ImportError('libX11.so.6: no such file')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "modules"))
    with pytest.raises(MissingExtraError, match=r"cannot be loaded \(libX11.so.6: no such file\)"):
        run_in_blender(job_for(tmp_path, {}), tmp_path, 30.0)


@pytest.mark.blender
@pytest.mark.slow
def test_a_full_disk_is_told_by_its_name(tmp_path):
    need_module("bpy")
    with pytest.raises(InputError, match=r"There is no room for Blender's files: .*No space left on device"):
        run_in_blender(job_for(tmp_path, {"fbx": "/dev/full"}), tmp_path, 120.0)


LIMITED = """
import resource, runpy, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
runpy.run_path({script!r}, run_name="__main__")
"""


@pytest.mark.blender
@pytest.mark.slow
@pytest.mark.parametrize(("name", "what"), [("usdz", "USD layer"), ("blend", "blend")])
def test_a_file_that_cannot_be_written_whole_is_one_clear_error(monkeypatch, tmp_path, name, what):
    need_module("bpy")
    script = tmp_path / "limited.py"
    script.write_text(LIMITED.format(limit=20_000, script=str(blender_process.SCRIPT)))
    monkeypatch.setattr(blender_process, "SCRIPT", script)
    # Blender itself notices at times only.
    again = rf"^The {what} as Blender wrote it cannot be read again \(\w+\). If the disk is nearly full, make"
    refused = "^There is no room for Blender's files: .*File too large"
    with pytest.raises((StageError, InputError), match=f"{again}|{refused}"):
        run_in_blender(job_for(tmp_path, {name: str(tmp_path / f"twin.{name}")}), tmp_path, 120.0)


@pytest.mark.blender
@pytest.mark.slow
def test_what_blender_cannot_read_is_refused(tmp_path):
    need_module("bpy")
    with pytest.raises(InputError, match="Blender cannot read the GLB: "):
        run_in_blender(job_for(tmp_path, {"fbx": str(tmp_path / "x")}, b"glTF and no more"), tmp_path, 120.0)


PARENT = """
from pathlib import Path
from bodyscan.convert import FORMATS, convert_twin
folder = Path({folder!r})
convert_twin(folder / "twin.glb", {{name: folder / f"twin.{{name}}" for name in FORMATS}})
"""


@pytest.mark.blender
@pytest.mark.slow
def test_a_killed_parent_leaves_no_process_and_no_file(tmp_path):
    need_module("bpy")
    (tmp_path / "twin.glb").write_bytes(twin_to_glb(full_size_twin()))
    parent = subprocess.Popen([sys.executable, "-c", PARENT.format(folder=str(tmp_path))])
    try:
        # In the middle: Blender has written a part of what it will write.
        wait_for(lambda: list(tmp_path.glob(".twin.*.tmp/usd")) or parent.poll() is not None, 120.0)
        assert parent.poll() is None
        assert len(psutil.Process(parent.pid).children(recursive=True)) == 2, (
            "Blender and the folder's keeper"
        )
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        wait_for(lambda: not at_work_in(tmp_path), ENDS_S)
        assert not at_work_in(tmp_path)
    finally:
        parent.kill()
    assert [path.name for path in tmp_path.iterdir()] == ["twin.glb"]


def at_work_in(folder: Path) -> list[psutil.Process]:
    """Return the processes that were started on a path within the folder."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(str(folder) in word for word in process.info["cmdline"] or ())
    ]


def wait_for(condition, timeout_s: float) -> None:
    until = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)
