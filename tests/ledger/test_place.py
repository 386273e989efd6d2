from __future__ import annotations

from pathlib import Path

import pytest

from bodyscan.ledger.place import default_ledger

HOME = Path("/people/anna")


@pytest.mark.parametrize(
    ("environ", "platform", "path"),
    [
        ({}, "linux", "/people/anna/.local/share/bodyscan/ledger.sqlite"),
        ({"XDG_DATA_HOME": "/data"}, "linux", "/data/bodyscan/ledger.sqlite"),
        ({"XDG_DATA_HOME": "not/absolute"}, "linux", "/people/anna/.local/share/bodyscan/ledger.sqlite"),
        ({}, "darwin", "/people/anna/Library/Application Support/bodyscan/ledger.sqlite"),
        ({"LOCALAPPDATA": "/local"}, "win32", "/local/bodyscan/ledger.sqlite"),
        ({}, "win32", "/people/anna/AppData/Local/bodyscan/ledger.sqlite"),
        ({"BODYSCAN_LEDGER": "here.sqlite", "XDG_DATA_HOME": "/data"}, "linux", "here.sqlite"),
        ({"BODYSCAN_LEDGER": ""}, "linux", "/people/anna/.local/share/bodyscan/ledger.sqlite"),
    ],
)
def test_the_ledger_lies_where_the_system_keeps_data(environ, platform, path):
    assert default_ledger(environ, HOME, platform) == Path(path)
