"""Builds the Blender add-on: `dist/bodyscan_blender-VERSION-PLATFORM.zip`, ready to install from disk.

Run from the repository's root:

    python tools/build_addon                                the add-on for this machine
    python tools/build_addon --platform windows-x64         for another; may be repeated
    python tools/build_addon fetch                          only fetch the wheels, for a build without network
    python tools/build_addon wheel --output build           only the wheel of the package itself

The zip holds the sources, the manifest, and the wheels that Blender's Python needs beside its own numpy: the
package itself and those of `requirements/addon.txt`, which are held against its hashes. Blender's own check
must have no complaint. The same tree gives the same bytes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from archive import source_files, write_zip
from manifest import NAME, WHEELS, built_manifest, package_version, read_manifest
from platforms import PLATFORMS, Platform, own_platform
from problem import BuildError
from validate import blender_folder, validate
from wheels import locked_wheels, own_wheel

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "blender_addons" / "bodyscan_blender"
LOCK = ROOT / "requirements" / "addon.txt"
KEPT = ROOT / "build" / "addon" / "wheels"


def build(source: Path, platform: Platform, output: Path, kept: Path, blender: Path, own: Path) -> Path:
    """Build the zip for one platform and return its path; `own` is the package's wheel."""
    identity = str(read_manifest(source)["id"])
    version = package_version(ROOT / "src" / "bodyscan" / "__init__.py")
    wheels = [own, *locked_wheels(LOCK, platform, kept / platform.name)]
    content: dict[str, bytes | Path] = dict(source_files(source))
    content |= {f"{WHEELS}/{path.name}": path for path in wheels}
    text = built_manifest(source, version, platform.name, [path.name for path in wheels])
    content[NAME] = text.encode()
    output.mkdir(parents=True, exist_ok=True)
    target = output / f"{identity}-{version}-{platform.name.replace('-', '_')}.zip"
    with tempfile.TemporaryDirectory(dir=output, prefix=".build-") as scratch:
        fresh = Path(scratch) / target.name
        write_zip(fresh, content)
        validate(fresh, blender)
        fresh.replace(target)
    return target


def main(arguments: argparse.Namespace) -> None:
    """Do what was asked for, for each platform that was."""
    platforms = [PLATFORMS[name] for name in arguments.platform]
    if arguments.what == "fetch":
        for platform in platforms:
            locked_wheels(LOCK, platform, arguments.wheels / platform.name)
        return
    if arguments.what == "wheel":
        print(own_wheel(ROOT, arguments.output))
        return
    blender = arguments.blender or blender_folder()
    with tempfile.TemporaryDirectory() as scratch:
        own = arguments.wheel or own_wheel(ROOT, Path(scratch))
        for platform in platforms:
            path = build(arguments.source, platform, arguments.output, arguments.wheels, blender, own)
            print(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="build_addon", description="Build the Blender add-on.")
    parser.add_argument("what", nargs="?", default="addon", choices=("addon", "fetch", "wheel"))
    parser.add_argument(
        "--platform", action="append", help=f"{', '.join(PLATFORMS)}; this machine's, if not given"
    )
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="folder of the zip")
    parser.add_argument("--wheels", type=Path, default=KEPT, help="folder in which fetched wheels are kept")
    parser.add_argument("--source", type=Path, default=SOURCE, help="the add-on's source")
    parser.add_argument("--wheel", type=Path, help="the package's own wheel, if it is built already")
    parser.add_argument("--blender", type=Path, help="a Blender's folder that holds `scripts`, for its check")
    arguments = parser.parse_args()
    arguments.platform = arguments.platform or [own_platform()]
    if unknown := [name for name in arguments.platform if name not in PLATFORMS]:
        raise BuildError(f"The add-on is not built for {unknown[0]}; it is for {', '.join(PLATFORMS)}.")
    return arguments


try:
    main(read_arguments())
except BuildError as problem:
    sys.exit(f"build_addon: {problem}")
