"""What is packed, and what the set-up promises."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from bodyscan import __version__

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MAX_ASSET_BYTES = 30_000_000
LOCKS = ["core.txt", "test.txt", "uv.txt", "addon.txt", "blender-4.2.txt", "blender-5.0.txt"]


def locked(name: str) -> dict[str, set[str]]:
    """Return package -> versions of a lock file."""
    versions: dict[str, set[str]] = {}
    for line in (ROOT / "requirements" / name).read_text().splitlines():
        if match := re.match(r"([a-z0-9._-]+)==(\S+)", line):
            versions.setdefault(match[1], set()).add(match[2])
    return versions


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=!~;\[ ]", text, maxsplit=1)[0] for text in requirements}


def test_the_version_is_written_once():
    assert importlib.metadata.version("bodyscan") == __version__
    assert "version" in PROJECT["project"]["dynamic"]
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_every_dependency_is_locked_and_told_with_its_reason():
    core = names(PROJECT["project"]["dependencies"]) - {"open3d"}  # the name on other systems than Linux
    assert core <= set(locked("core.txt"))
    told = (ROOT / "docs" / "dependencies.md").read_text()
    extras = names(PROJECT["project"]["optional-dependencies"]["blender"])
    groups = [
        item for group in PROJECT["dependency-groups"].values() for item in group if isinstance(item, str)
    ]
    missing = [name for name in sorted(core | extras | names(groups)) if f"`{name}`" not in told]
    assert missing == []


@pytest.mark.parametrize("name", LOCKS)
def test_each_locked_version_has_hashes_and_no_address(name):
    text = (ROOT / "requirements" / name).read_text()
    assert "://" not in text
    for entry in re.split(r"\n(?=\S)", text.strip()):
        assert re.match(r"[a-z0-9._-]+==\S+", entry), entry[:80]
        assert "--hash=sha256:" in entry, entry[:80]


def test_the_locks_agree():
    core, test = locked("core.txt"), locked("test.txt")
    assert {name: versions for name, versions in core.items() if test.get(name) != versions} == {}


def test_the_addon_carries_what_the_core_is_locked_to():
    core, addon = locked("core.txt"), locked("addon.txt")
    assert "numpy" not in addon, "Blender has its own."
    others = {name for name, (version,) in addon.items() if version not in core[name]}
    assert others == {"scipy"}, "Newer ones want a newer numpy than that of Blender 4.2."
    assert ";" not in (ROOT / "requirements" / "addon.txt").read_text(), "The lock is for every platform."


def test_what_is_installed_is_what_is_locked():
    for name in ("numpy", "scipy", "mediapipe", "open3d-cpu", "pygltflib", "trimesh"):
        assert {importlib.metadata.version(name)} == locked("core.txt")[name], name


@pytest.mark.slow
def test_the_wheel_holds_the_body_and_the_licences(tmp_path):
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            tmp_path,
            ROOT,
        ],
        check=True,
    )
    (wheel,) = tmp_path.glob("bodyscan-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {info.filename: info.file_size for info in archive.infolist()}
    for name in ("bodyscan/body/data/body.npz", "bodyscan/body/data/landmarks.npz", "bodyscan/py.typed"):
        assert name in held
    assert any(name.endswith("licenses/LICENSE") for name in held)
    assert any(name.endswith("LICENSE-CC0") for name in held)
    assert sum(size for name, size in held.items() if "/data/" in name) < MAX_ASSET_BYTES
    assert not [name for name in held if name.startswith(("tests", "tools", "sample_scans"))]


def test_the_samples_stay_small():
    folder = ROOT / "sample_scans"
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 25_000_000
