"""For scripts that run in Blender: the installed add-on, by whatever name Blender gave it.

`import bodyscan_blender` and `from bodyscan_blender import people` give the installed modules too.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType

import bpy

NAME = "bl_ext.user_default.bodyscan_blender"
SHORT = "bodyscan_blender"


def addon(module: str = "") -> ModuleType:
    """The installed add-on, or one of its modules."""
    return importlib.import_module(f"{NAME}.{module}" if module else NAME)


def enable() -> None:
    """Enable the installed add-on, as a user does in the preferences."""
    assert bpy.ops.preferences.addon_enable(module=NAME) == {"FINISHED"}
    assert NAME in bpy.context.preferences.addons, "Blender did not enable the add-on: see above."


def disable() -> None:
    """Disable it; Blender then takes its wheels away, until it is enabled again."""
    assert bpy.ops.preferences.addon_disable(module=NAME) == {"FINISHED"}


class ShortName(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Lets Python find the installed modules under their short name; they stay the same modules."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name == SHORT or name.startswith(f"{SHORT}."):
            return importlib.util.spec_from_loader(name, self)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = addon(spec.name[len(SHORT) + 1 :])
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """It has run already; only the spec, which the import machinery replaced, is put back."""
        assert module.__spec__ is not None
        module.__spec__ = module.__spec__.loader_state


def use_short_name() -> None:
    """From now on `bodyscan_blender` is the installed add-on."""
    sys.meta_path.insert(0, ShortName())
