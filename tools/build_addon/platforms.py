"""The platforms that the add-on is built for, by Blender's names, with the wheels that run there.

Blender says what it needs of a system, and only wheels for that or less are taken: glibc 2.28 on Linux,
macOS 12 (of SciPy; Blender itself wants 11.2), and on Windows whatever a wheel for `win_amd64` asks for.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass

PYTHON = "3.11"
"""Of Blender 4.2 to 5.0. `blender_version_max` in the manifest ends before the first with another one."""


@dataclass(frozen=True)
class Platform:
    """One platform."""

    name: str
    """Blender's name of it, as in the manifest's `platforms`."""
    tags: tuple[str, ...]
    """Platform tags of wheels, best first; pip knows of itself which older macOS a newer one runs."""


PLATFORMS = {
    item.name: item
    for item in (
        Platform(
            "linux-x64",
            (*(f"manylinux_2_{minor}_x86_64" for minor in range(28, 4, -1)), "manylinux2014_x86_64"),
        ),
        Platform("windows-x64", ("win_amd64",)),
        Platform("macos-arm64", ("macosx_12_0_arm64",)),
    )
}
"""Name -> platform."""

_SYSTEMS = {"darwin": "macos"}
_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}


def own_platform() -> str:
    """The name that Blender has for this machine's platform."""
    system, machine = platform.system().lower(), platform.machine().lower()
    return f"{_SYSTEMS.get(system, system)}-{_MACHINES.get(machine, machine)}"
