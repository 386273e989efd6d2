"""The extension's zip, and what is there once a user has installed it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import bodyscan
from addon.blenders import FOLDERS, OWN, ROOT, blender_folder
from addon.conftest import InBlender
from addon.consented import twin_file
from addon.installed import SOURCE, built, copy_user_folder, install_zip, installed, own_wheel
from addon.judged import PAYLOAD, judged
from gltf.tools import need_module

pytestmark = pytest.mark.blender

NOW = datetime(2026, 6, 1, tzinfo=UTC)
NOT_THERE = ("open3d", "mediapipe", "trimesh", "typer", "rich", "embreex", "cv2", "jax", "pytest", "psutil")
"""What is in this project's environment and must not be seen from Blender."""
MAX_ZIP_BYTES = 90_000_000
FETCHED = ROOT / "build" / "addon" / "wheels"
TREE = ("src/bodyscan", "pyproject.toml", "README.md", "LICENSE", "requirements/addon.txt")


def build(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the build as `make addon` does, with a wheel of the package that is there already."""
    need_module("bpy")
    command = [sys.executable, str(ROOT / "tools" / "build_addon"), "--wheel", str(own_wheel())]
    return subprocess.run([*command, *map(str, words)], capture_output=True, text=True, check=False)


def a_copy(folder: Path) -> Path:
    """A copy of the add-on's source, with what Python and editors leave in one, and times of its own."""
    copy = Path(shutil.copytree(SOURCE, folder / "copy"))
    (copy / "__pycache__").mkdir(exist_ok=True)
    (copy / "__pycache__" / "people.cpython-311.pyc").write_bytes(b"left by Python")
    (copy / ".people.py.swp").write_bytes(b"left by an editor")
    for number, path in enumerate(sorted(copy.rglob("*"))):
        os.utime(path, (10_000_000 + number, 10_000_000 + number))
    return copy


@pytest.fixture(scope="module")
def package() -> Path:
    need_module("bpy")
    return built()


def manifest_of(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        return tomllib.loads(archive.read("blender_manifest.toml").decode())


def test_the_zip_holds_the_addon_its_licence_and_its_wheels(package: Path) -> None:
    with zipfile.ZipFile(package) as archive:
        names = archive.namelist()
    sources = {path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py")}
    assert sources <= set(names)
    assert {"LICENSE", "blender_manifest.toml"} <= set(names)
    wheels = [name for name in names if name.startswith("wheels/")]
    assert sorted(f"./{name}" for name in wheels) == manifest_of(package)["wheels"]
    assert [
        name for name in names if "pycache" in name or name.startswith(".") or name.endswith(".pyc")
    ] == []
    assert package.stat().st_size < MAX_ZIP_BYTES


def test_the_manifest_says_what_the_package_says(package: Path) -> None:
    manifest = manifest_of(package)
    assert manifest["version"] == bodyscan.__version__
    assert package.name == f"bodyscan_blender-{bodyscan.__version__}-linux_x64.zip"
    assert manifest["platforms"] == ["linux-x64"]
    assert manifest["license"] == ["SPDX:GPL-3.0-or-later"]


def test_the_permissions_are_those_that_it_needs(package: Path) -> None:
    sources = "".join(path.read_text() for path in SOURCE.rglob("*.py"))
    needed = {"files"} | {name for name in ("clipboard",) if f".{name}" in sources}
    assert set(manifest_of(package)["permissions"]) == needed


def test_every_wheel_is_the_one_that_is_locked(package: Path) -> None:
    hashes = set(re.findall(r"sha256:([0-9a-f]{64})", (ROOT / "requirements" / "addon.txt").read_text()))
    with zipfile.ZipFile(package) as archive:
        wheels = {name: archive.read(name) for name in archive.namelist() if name.endswith(".whl")}
    (unknown,) = [name for name, data in wheels.items() if sha256(data).hexdigest() not in hashes]
    version = re.escape(bodyscan.__version__)
    assert re.fullmatch(rf"wheels/bodyscan-{version}\+[0-9a-f]{{8}}-py3-none-any\.whl", unknown)


@pytest.mark.slow
def test_the_same_tree_gives_the_same_bytes(package: Path, tmp_path: Path) -> None:
    assert build("wheel", "--output", tmp_path / "wheel").returncode == 0
    (wheel,) = (tmp_path / "wheel").iterdir()
    assert (wheel.name, wheel.read_bytes()) == (own_wheel().name, own_wheel().read_bytes())
    copy = a_copy(tmp_path)
    for name in ("one", "two"):
        done = build("--source", copy, "--output", tmp_path / name)
        assert done.returncode == 0, done.stderr
    one, two = ((tmp_path / name / package.name).read_bytes() for name in ("one", "two"))
    assert one == two
    with zipfile.ZipFile(tmp_path / "one" / package.name) as archive:
        assert {item.date_time for item in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.namelist() == sorted(archive.namelist())


BROKEN = {
    "a tagline that is too long": (r"tagline = .*", f'tagline = "{"long " * 20}"', "tagline"),
    "a tag that Blender does not know": (r"tags = .*", 'tags = ["Bodies"]', "Bodies"),
    "no licence": (r"license = .*", "", 'missing "license"'),
    "a permission that there is none of": (r"files = ", "money = ", "money"),
    "a version of its own": (r"^id = ", 'version = "9.9.9"\nid = ', "which the build writes: take it out"),
    "no identity": (r"^id = .*", "", "has no `id`"),
    "no TOML": (r"^id = ", "id : ", "is no TOML"),
}


@pytest.mark.parametrize("change", BROKEN)
def test_a_broken_manifest_is_refused_and_no_zip_is_left(change: str, tmp_path: Path) -> None:
    pattern, text, said = BROKEN[change]
    copy = a_copy(tmp_path)
    manifest = copy / "blender_manifest.toml"
    changed = re.sub(pattern, text, manifest.read_text(), flags=re.MULTILINE)
    assert changed != manifest.read_text()
    manifest.write_text(changed)
    done = build("--source", copy, "--output", tmp_path / "out")
    assert done.returncode == 1
    assert done.stderr.startswith("build_addon: ")
    assert said in done.stderr
    assert not list(tmp_path.glob("out/*"))


def test_an_addon_without_code_is_refused(tmp_path: Path) -> None:
    copy = a_copy(tmp_path)
    (copy / "__init__.py").unlink()
    done = build("--source", copy, "--output", tmp_path / "out")
    assert done.returncode == 1
    assert '"__init__.py"' in done.stderr


def test_a_platform_that_it_is_not_built_for_is_refused(tmp_path: Path) -> None:
    done = build("--platform", "amiga", "--output", tmp_path / "out")
    assert done.returncode == 1
    assert "not built for amiga; it is for linux-x64, windows-x64, macos-arm64." in done.stderr


def test_a_wheel_that_is_not_of_the_lock_is_not_taken(tmp_path: Path) -> None:
    sys.path.insert(0, str(ROOT / "tools" / "build_addon"))
    try:
        from problem import BuildError
        from wheels import _kept, read_lock
    finally:
        sys.path.pop(0)
    entry = next(item for item in read_lock(ROOT / "requirements" / "addon.txt") if item.name == "rfc8785")
    other = tmp_path / f"rfc8785-{entry.version}-py3-none-any.whl"
    other.write_bytes(b"not the one that was locked")
    assert _kept(entry, tmp_path) is None
    assert not other.exists()
    lock = tmp_path / "lock.txt"
    lock.write_text("colorama==0.4.6 ; sys_platform == 'win32' \\\n    --hash=sha256:" + "0" * 64 + "\n")
    with pytest.raises(BuildError, match="no exact version with hashes for every platform"):
        read_lock(lock)


@pytest.mark.slow
def test_it_works_with_its_own_wheels_alone_and_goes_without_a_trace(
    in_every_blender: InBlender, package: Path, tmp_path: Path
) -> None:
    glb = tmp_path / "twin.glb"
    twin_file(glb)
    given = {"glb": glb, "folder": tmp_path, "now": NOW.isoformat(), "not_there": NOT_THERE}
    found = in_every_blender("package", **given)

    user = Path(found["resources"])
    site = user / "extensions" / ".local" / "lib" / "python3.11" / "site-packages"
    assert Path(found["addon"]) == user / "extensions" / "user_default" / "bodyscan_blender"
    assert Path(found["bodyscan"]).parent == site / "bodyscan"
    assert Path(found["numpy"]).is_relative_to(FOLDERS), "Blender's own, not one from a wheel."
    assert found["importable"] == []
    development = str(Path(sys.prefix).resolve())
    assert [path for path in found["files"] if path.startswith(development)] == []
    assert found["one_module"]
    assert found["warnings"] == []

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    here = json.loads(json.dumps(judged(glb, elsewhere, NOW)))
    assert here["consent"][0]
    assert here["watermark"] == PAYLOAD.decode()
    assert found["measurements_cm"] == pytest.approx(here.pop("measurements_cm"), abs=1e-6)
    assert {name: found[name] for name in here} == here

    loaded = {
        Path(file).relative_to(site).parts[0].split(".")[0] for file in found["files"] if str(site) in file
    }
    unused = [tops for tops in wheel_tops(package) if not tops & loaded]
    assert unused == [], "A wheel of which nothing is loaded need not be carried."

    assert not found["after_disabling"]
    assert found["after_enabling"]
    assert found["after_uninstalling"] == []
    assert found["modules_left"] == []


@pytest.mark.slow
def test_a_newer_build_of_the_same_version_brings_its_own_package(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for name in (*TREE, "tools/build_addon", "blender_addons"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, tree / name)
    with (tree / "src" / "bodyscan" / "__init__.py").open("a") as file:
        file.write("NEWER = True\n")
    words = [
        sys.executable,
        str(tree / "tools" / "build_addon"),
        "--wheels",
        str(FETCHED),
        "--output",
        str(tmp_path),
    ]
    subprocess.run(words, cwd=tree, check=True, capture_output=True)
    (newer,) = tmp_path.glob("*.zip")
    user = tmp_path / "blender"
    copy_user_folder(installed(OWN), user)
    install_zip(newer, blender_folder(OWN), user)
    (package,) = user.glob("extensions/.local/lib/*/site-packages/bodyscan/__init__.py")
    assert package.read_text().endswith("NEWER = True\n")
    assert len(list(package.parents[1].glob("bodyscan-*.dist-info"))) == 1


def test_it_is_there_when_blender_starts_again(in_blender: InBlender) -> None:
    found = in_blender("restart", enabled=False)
    assert found == {"before": False, "after": True, "purpose": "make_twin", "output": found["output"]}


def wheel_tops(package: Path) -> list[set[str]]:
    """For each wheel of an extension the modules and packages that it installs."""
    tops = []
    with zipfile.ZipFile(package) as archive:
        for name in filter(re.compile(r"\.whl$").search, archive.namelist()):
            with archive.open(name) as data, zipfile.ZipFile(data) as wheel:
                tops.append(
                    {item.split("/")[0].split(".")[0] for item in wheel.namelist() if "info/" not in item}
                )
    return tops
