"""The wheels inside the extension: the package itself, built from the tree, and those of the lock file.

Those of the lock are kept in a folder, so that the next build asks the registry for nothing. Each is held
against the hashes of the lock whenever it is used.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from label import labelled
from platforms import PYTHON, Platform
from problem import BuildError


@dataclass(frozen=True)
class Locked:
    """One entry of a lock file."""

    name: str
    version: str
    sha256: frozenset[str]

    @property
    def stem(self) -> str:
        """How the name of its wheel begins."""
        return f"{re.sub(r'[-_.]+', '_', self.name)}-{self.version}-"


def read_lock(path: Path) -> list[Locked]:
    """The entries of a lock file, which holds for every platform: no entry may have a condition."""
    found = []
    for entry in re.split(r"\n(?=[^\s#])", path.read_text(encoding="utf-8").strip()):
        head = entry.split("\\", 1)[0].strip()
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==(\S+)", head)
        hashes = frozenset(re.findall(r"--hash=sha256:([0-9a-f]{64})", entry))
        if match is None or not hashes:
            raise BuildError(f"{path}: '{head}' is no exact version with hashes for every platform.")
        found.append(Locked(match[1], match[2], hashes))
    return found


def locked_wheels(lock: Path, platform: Platform, folder: Path) -> list[Path]:
    """The wheels of a lock file for a platform, in `folder`; pip fetches what is missing there."""
    entries = read_lock(lock)
    folder.mkdir(parents=True, exist_ok=True)
    if missing := [entry for entry in entries if _kept(entry, folder) is None]:
        _fetch(lock, platform, folder)
        missing = [entry for entry in missing if _kept(entry, folder) is None]
    if missing:
        raise BuildError(
            f"pip brought no wheel of {missing[0].name} {missing[0].version} for {platform.name}."
        )
    return [path for entry in entries if (path := _kept(entry, folder)) is not None]


def _kept(entry: Locked, folder: Path) -> Path | None:
    """The wheel of an entry in a folder, or None; one that is not of the lock is removed."""
    for path in sorted(folder.glob("*.whl")):
        if path.name.lower().startswith(entry.stem.lower()):
            if hashlib.sha256(path.read_bytes()).hexdigest() in entry.sha256:
                return path
            path.unlink()
    return None


def _fetch(lock: Path, platform: Platform, folder: Path) -> None:
    words = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    words += ["--require-hashes", "--only-binary=:all:", "--implementation=cp", f"--python-version={PYTHON}"]
    words += [f"--abi=cp{PYTHON.replace('.', '')}", *(f"--platform={tag}" for tag in platform.tags)]
    done = subprocess.run(
        [*words, f"--dest={folder}", f"--requirement={lock}"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BuildError(f"pip could not fetch the wheels for {platform.name}:\n{done.stderr.strip()}")


def own_wheel(root: Path, folder: Path) -> Path:
    """Build the wheel of the package in the tree at `root`; the same tree gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        words = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", scratch]
        done = subprocess.run(words, cwd=root, capture_output=True, text=True, check=False)
        built = sorted(Path(scratch).glob("bodyscan-*.whl"))
        if done.returncode or len(built) != 1:
            said = f"{done.stdout}{done.stderr}".strip()
            raise BuildError(f"hatchling could not build the package's wheel:\n{said}")
        return labelled(built[0], folder)
