"""The built extension, installed in a Blender as a user does it: once for each content of the tree.

What is built and installed lies in `build/addon/tests/KEY`, where KEY stands for the content of everything
that goes into the zip. A test gets a copy of the installed user folder, of hard links where nothing writes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from addon.blenders import ROOT, blender_folder
from addon.kept import Kept, digest_of

KEPT = Kept(ROOT / "build" / "addon" / "tests")
KEPT_WHEELS = Kept(ROOT / "build" / "addon" / "own_wheel")
SOURCE = ROOT / "blender_addons" / "bodyscan_blender"
PACKAGE = [
    ROOT / name for name in ("src/bodyscan", "pyproject.toml", "README.md", "LICENSE", "tools/build_addon")
]
"""What the package's wheel is made of, and with."""
LOCK = ROOT / "requirements" / "addon.txt"
TIMEOUT_S = 300.0


def installed(version: str) -> Path:
    """The user folder (BLENDER_USER_RESOURCES) of a Blender in which the add-on is installed and enabled."""
    blender, path = blender_folder(version), built()
    user = path.parent / f"user-{version}"
    with KEPT.locked(path.parent.name):
        if not user.is_dir():
            _install(path, blender, user)
    return user


def built() -> Path:
    """The extension's zip for this machine."""
    wheel = own_wheel()
    with tempfile.TemporaryDirectory() as scratch:
        # A copy: who edits the add-on meanwhile changes the next test.
        source = Path(
            shutil.copytree(SOURCE, Path(scratch) / "source", ignore=shutil.ignore_patterns("__py*"))
        )
        key = digest_of([source, wheel, LOCK, ROOT / "tools" / "build_addon"])
        with KEPT.locked(key) as folder:
            if not list(folder.glob("*.zip")):
                _build_addon("--output", folder, "--source", source, "--wheel", wheel)
            (path,) = folder.glob("*.zip")
    return path


def own_wheel() -> Path:
    """The package's wheel, built from the tree."""
    for _ in range(5):
        key = digest_of(PACKAGE)
        with KEPT_WHEELS.locked(key) as folder:
            if found := list(folder.glob("*.whl")):
                return found[0]
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                _build_addon("wheel", "--output", scratch)
                (wheel,) = Path(scratch).glob("*.whl")
                if digest_of(PACKAGE) == key:
                    return wheel.rename(folder / wheel.name)
    raise RuntimeError("src/bodyscan keeps changing while its wheel is built.")


def copy_user_folder(source: Path, target: Path) -> None:
    """Copy an installed user folder. The wheels' files, which nobody writes into, are linked."""

    def copy(one: str, other: str) -> None:
        if "site-packages" in Path(one).parts or one.endswith(".whl"):
            try:
                os.link(one, other)
                return
            except OSError:  # another file system
                pass
        shutil.copy2(one, other)

    shutil.copytree(source, target, copy_function=copy)


def install_zip(path: Path, blender: Path, user: Path) -> None:
    """Install an extension from disk in a Blender, as a user does, whether or not it is installed already."""
    script = Path(__file__).with_name("install_script.py")
    done = run_python([str(script), str(blender), str(path)], user, TIMEOUT_S)
    assert "INSTALLED" in done.stdout, f"{done.stdout[-3000:]}\n{done.stderr[-6000:]}"


def run_python(words: list[str], user: Path, timeout_s: float) -> subprocess.CompletedProcess[str]:
    """Run Python without this project's environment; `user` becomes Blender's user folder."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [sys.executable, "-I", "-S", "-X", "faulthandler", *words],
        env={**environ, "BLENDER_USER_RESOURCES": str(user)},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def _build_addon(*words: str | Path) -> None:
    _run([sys.executable, str(ROOT / "tools" / "build_addon"), *map(str, words)])


def _run(words: list[str]) -> None:
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def _install(path: Path, blender: Path, user: Path) -> None:
    """Install a zip into a new user folder, which appears when all went well.

    Where an earlier content with the same wheels is installed, the zip is installed over a copy of that, as a
    user updates: Blender then need not unpack 200 MB of wheels, and who works on the add-on waits less.
    """
    fresh = user.with_name(f".{user.name}")
    shutil.rmtree(fresh, ignore_errors=True)
    earlier = _with_the_same_wheels(path, user.name)
    if earlier is None or not _copied(earlier, fresh):
        fresh.mkdir()
    install_zip(path, blender, fresh)
    fresh.rename(user)


def _with_the_same_wheels(path: Path, name: str) -> Path | None:
    """The newest user folder of that name beside another zip that holds the same wheels, or None."""
    for folder in KEPT.newest_first():
        same = any(_wheels(other) == _wheels(path) for other in folder.glob("*.zip") if other != path)
        if same and (folder / name).is_dir():
            return folder / name
    return None


def _wheels(path: Path) -> list[tuple[str, int]]:
    """Name and checksum of each wheel in an extension's zip."""
    with zipfile.ZipFile(path) as archive:
        return sorted(
            (item.filename, item.CRC) for item in archive.infolist() if item.filename.endswith(".whl")
        )


def _copied(source: Path, target: Path) -> bool:
    """Copy a user folder that another process may be removing; say whether all of it was there."""
    try:
        copy_user_folder(source, target)
    except (OSError, shutil.Error):
        shutil.rmtree(target, ignore_errors=True)
        return False
    return True
