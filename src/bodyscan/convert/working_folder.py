"""A hidden folder that is gone when those who work in it are, in whatever way they end."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bodyscan.errors import InputError

KEEPER = """
import os, shutil, sys
while os.read(0, 64):
    pass
shutil.rmtree(sys.argv[1], ignore_errors=True)
"""
"""Waits until nobody holds the other end of its standard input any more, then removes the folder."""


@dataclass(frozen=True)
class WorkingFolder:
    """A folder, and what keeps it."""

    path: Path
    hold: int
    """Descriptor of a pipe's writing end. The folder is kept while any process has it open, so a child that
    writes into the folder inherits it: nothing is removed, or written again, under its hands."""


@contextmanager
def working_folder(beside: Path) -> Iterator[WorkingFolder]:
    """Yield a hidden folder beside a target, of which nothing is left, also when this process is killed.

    Who is killed cannot clean up, and a child that does so in its place races with what it still writes
    itself. So a small process waits until this one, and every child that inherited `hold`, has ended.

    Raises `InputError` where the folder cannot be made, and in place of an `OSError` of the block.
    """
    target = beside.absolute()
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent))
    except OSError as error:
        raise InputError(f"{target.parent} cannot be written to: {error.strerror}.") from error
    reading, hold = os.pipe()
    keeper = None
    try:
        keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", KEEPER, str(folder)],
            stdin=reading,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C, and whatever else ends the whole group, is not meant for it.
            start_new_session=True,
        )
        yield WorkingFolder(folder, hold)
    except OSError as error:
        raise InputError(
            f"{beside} could not be written: {error.strerror}. Nothing was left there; make room, or give "
            "another output path."
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(reading)
        os.close(hold)
        if keeper is not None:
            # Not waited for: a process that was forked meanwhile would hold it, for as long as it lives.
            keeper.kill()
            keeper.wait()
