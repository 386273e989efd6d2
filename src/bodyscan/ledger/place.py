"""Where the ledger lies when nobody says."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "BODYSCAN_LEDGER"
"""Environment variable that names the ledger's file."""


def default_ledger(environ: Mapping[str, str], home: Path, platform: str = sys.platform) -> Path:
    """Return the ledger's path: `BODYSCAN_LEDGER`, else a file in the user's data folder.

    The folder is `$XDG_DATA_HOME/bodyscan` (XDG Base Directory Specification; `~/.local/share` where the
    variable is empty or no absolute path), `~/Library/Application Support/bodyscan` on macOS and
    `%LOCALAPPDATA%\\bodyscan` on Windows. Nothing is made here.
    """
    if named := environ.get(VARIABLE, ""):
        return Path(named)
    xdg = Path(environ.get("XDG_DATA_HOME", ""))
    if xdg.is_absolute():
        folder = xdg
    elif platform == "darwin":
        folder = home / "Library" / "Application Support"
    elif platform == "win32":
        folder = Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    else:
        folder = home / ".local" / "share"
    return folder / "bodyscan" / "ledger.sqlite"
