"""Draw the pictures of docs/blender.md anew: `python tools/draw_addon_manual.py [FOLDER]`, a few minutes.

The add-on is built, installed as a user installs it, and renders them itself in the project's own Blender.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import addon.conftest  # noqa: E402
from addon.blenders import OWN  # noqa: E402

PATIENCE_S = 1800.0


def main() -> None:
    addon.conftest.TIMEOUT_S = PATIENCE_S
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images" / "blender"
    folder.mkdir(parents=True, exist_ok=True)
    samples = ROOT / "sample_scans"
    with tempfile.TemporaryDirectory() as name:
        home, drawn = Path(name) / "home", Path(name) / "drawn"
        home.mkdir()
        drawn.mkdir()
        for in_blender in addon.conftest._runner(OWN, Path(name)):
            found = in_blender(
                "manual_pictures",
                home=str(home),
                folder=str(drawn),
                scan=str(samples / "woman.obj"),
                consent=str(samples / "woman.consent.json"),
                programs=str(Path(sys.executable).parent),
            )
        for picture in found["pictures"]:
            shutil.copyfile(drawn / picture, folder / picture)
            print(folder / picture)


if __name__ == "__main__":
    main()
