from __future__ import annotations

from pathlib import Path

import pytest

from bodyscan.consent.key_files import save_private_key
from bodyscan.errors import ConsentError, InputError
from bodyscan.run.keys import controller_key, passphrase_from
from consent.people import NOW, STUDIO, signed


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    save_private_key(STUDIO, tmp_path / "studio.pem", passphrase="right")
    return tmp_path / "studio.pem"


def test_a_locked_key_is_opened_by_the_file_or_by_who_is_asked(locked: Path) -> None:
    asked: list[Path] = []

    def ask(path: Path) -> str:
        asked.append(path)
        return "right"

    word = locked.with_name("word")
    word.write_text("right\nand more\n")
    found = controller_key(signed(), locked.parent, locked, word, NOW, passphrase=ask)
    assert (found.thumbprint, asked) == (STUDIO.thumbprint, [])
    found = controller_key(signed(), locked.parent, locked, None, NOW, passphrase=ask)
    assert found.thumbprint == STUDIO.thumbprint
    assert asked == [locked]


def test_a_locked_key_that_nobody_can_open_is_refused(locked: Path) -> None:
    given = (signed(), locked.parent, locked, None, NOW)
    with pytest.raises(ConsentError, match=r"studio\.pem is locked, and nobody can be asked .* give a"):
        controller_key(*given)
    with pytest.raises(InputError, match=r"it is locked; give its passphrase \(--passphrase-file\)"):
        controller_key(*given, passphrase=lambda path: None)
    with pytest.raises(InputError, match="the passphrase is wrong"):
        controller_key(*given, passphrase=lambda path: "wrong")


def test_a_key_that_others_can_read_is_told_to_who_listens(tmp_path: Path) -> None:
    key = tmp_path / "studio.jwk"
    save_private_key(STUDIO, key)
    told: list[str] = []
    given = (signed(), tmp_path, key, None, NOW)
    controller_key(*given, warn=told.append)
    assert told == []
    key.chmod(0o644)
    controller_key(*given, warn=told.append)
    assert told == [f"other users can read the private key {key}; run: chmod 600 {key}"]
    assert controller_key(*given).thumbprint == STUDIO.thumbprint


def test_an_empty_passphrase_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "word").write_text("\nsecond")
    with pytest.raises(InputError, match=r"the first line of .*word is empty; it must hold the passphrase"):
        passphrase_from(tmp_path / "word")
    assert passphrase_from(None) is None
