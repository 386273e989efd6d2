"""The working folder: results appear whole, stay as they are, and know what they were made of."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bodyscan.errors import ConsentError, InputError
from bodyscan.steps.folder import KEPT, WorkFolder


def keep(folder: WorkFolder, step: str, made_of: str = "", text: str = "x") -> str:
    told = {"summary": text, "warnings": ["w"], "values": {"n": 1}}
    return folder.keep(step, told, made_of, lambda place: (place / "a.txt").write_text(text) and None).result


def states(folder: WorkFolder) -> list[str]:
    return [state.state for state in folder.state().values()]


@pytest.fixture
def folder(tmp_path: Path) -> WorkFolder:
    return WorkFolder.create(tmp_path / "anna")


def test_a_new_folder_is_empty_and_private(folder: WorkFolder) -> None:
    assert states(folder) == ["absent"] * 4
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert WorkFolder.create(folder.path).path == folder.path


def test_each_step_is_done_after_the_one_before(folder: WorkFolder) -> None:
    scan = keep(folder, "scan")
    fit = keep(folder, "fit", scan)
    texture = keep(folder, "texture", fit)
    keep(folder, "twin", texture, "a person")
    assert states(folder) == ["done"] * 4
    twin = folder.state()["twin"]
    assert (twin.summary, twin.warnings, dict(twin.values), twin.made_of) == (
        "a person",
        ("w",),
        {"n": 1},
        texture,
    )
    assert folder.file("twin", "a.txt").read_text() == "a person"


def test_what_comes_after_a_changed_step_is_out_of_date(folder: WorkFolder) -> None:
    scan = keep(folder, "scan")
    first = keep(folder, "fit", scan)
    keep(folder, "twin", keep(folder, "texture", first))
    second = keep(folder, "fit", scan)
    assert states(folder) == ["done", "done", "stale", "stale"]
    folder.choose("fit", first)
    assert states(folder) == ["done"] * 4
    folder.choose("fit", second)
    keep(folder, "scan")
    assert states(folder) == ["done", "stale", "stale", "stale"]


def test_a_twin_needs_no_textures_until_there_are_some(folder: WorkFolder) -> None:
    fit = keep(folder, "fit", keep(folder, "scan"))
    keep(folder, "twin", fit)
    assert states(folder) == ["done", "done", "absent", "done"]
    texture = keep(folder, "texture", fit)
    assert states(folder)[3] == "stale"
    keep(folder, "twin", texture)
    assert states(folder)[3] == "done"
    folder.choose("texture", None)
    assert states(folder) == ["done", "done", "absent", "stale"]


def test_a_result_that_fails_leaves_everything_as_it_was(folder: WorkFolder) -> None:
    first = keep(folder, "scan")

    def broken(place: Path) -> None:
        (place / "half.npz").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="No space left"):
        folder.keep("scan", {}, "", broken)
    assert folder.results("scan") == (first,)
    assert folder.state()["scan"].result == first
    assert [path.name for path in (folder.path / "results").iterdir()] == [first]


def test_a_killed_run_leaves_nothing_that_counts(folder: WorkFolder) -> None:
    first = keep(folder, "scan")
    script = (
        "import os,sys\n"
        "from bodyscan.steps.folder import WorkFolder\n"
        "def write(place):\n"
        "    (place / 'half').write_text('half')\n"
        "    os.kill(os.getpid(), 9)\n"
        "WorkFolder(sys.argv[1]).keep('scan', {}, '', write)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(folder.path)])
    assert done.returncode == -9
    assert folder.results("scan") == (first,)
    keep(folder, "scan")
    assert len(list((folder.path / "results").iterdir())) == 2


def test_only_the_last_results_are_kept_and_the_current_one_always(folder: WorkFolder) -> None:
    first = keep(folder, "scan")
    for _ in range(KEPT + 3):
        keep(folder, "scan")
    assert len(folder.results("scan")) == KEPT
    assert first not in folder.results("scan")
    oldest = folder.results("scan")[0]
    folder.choose("scan", oldest)
    with pytest.raises(InputError, match="no result"):
        folder.choose("scan", first)
    assert folder.state()["scan"].result == oldest


def test_the_consent_is_kept_as_it_was_given(folder: WorkFolder) -> None:
    with pytest.raises(ConsentError, match="holds no readable consent"):
        folder.consent()
    folder.put_consent('{"a": "ü"}')
    assert folder.consent() == '{"a": "ü"}'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "damaged"),
        ("[]", "damaged"),
        ('{"format": 99, "current": {}}', "another version"),
        ('{"format": 1, "current": 3}', "damaged"),
    ],
)
def test_a_damaged_state_is_told(folder: WorkFolder, text: str, said: str) -> None:
    (folder.path / "state.json").write_text(text)
    with pytest.raises(InputError, match=said):
        folder.state()


def test_a_result_that_somebody_deleted_is_told(folder: WorkFolder) -> None:
    name = keep(folder, "scan")
    (folder.path / "results" / name / "result.json").unlink()
    with pytest.raises(InputError, match="run its step again"):
        folder.state()


def test_a_folder_with_other_files_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds other files \(thesis.txt\)"):
        WorkFolder.create(tmp_path)
    with pytest.raises(InputError, match="is no working folder"):
        WorkFolder(tmp_path).state()


def test_a_step_that_was_not_run_is_told(folder: WorkFolder) -> None:
    for ask in (folder.scan, folder.fit, lambda: folder.twin_path):
        with pytest.raises(InputError, match="was not run yet"):
            ask()
    assert folder.textures() is None


def test_forgetting_leaves_nothing(folder: WorkFolder) -> None:
    keep(folder, "scan")
    folder.forget()
    assert not folder.path.exists()


def test_a_front_end_needs_none_of_the_stages() -> None:
    """Blender has no Open3D, no mediapipe and no typer."""
    script = "import sys, bodyscan.steps.folder; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = {"open3d", "mediapipe", "cv2", "trimesh", "embreex", "typer", "rich", "pygltflib", "PIL", "scipy"}
    assert heavy.isdisjoint(done.stdout.split())
