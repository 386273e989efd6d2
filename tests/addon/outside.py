"""Modules of the add-on that need no Blender, for tests that run without it."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from addon.blenders import ROOT

ADDONS = str(ROOT / "blender_addons")


def outside(module: str) -> ModuleType:
    """A module of the add-on's source that imports no `bpy`."""
    if ADDONS not in sys.path:
        sys.path.append(ADDONS)
    return importlib.import_module(f"bodyscan_blender.{module}")
