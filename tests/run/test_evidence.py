"""What a verifier knows, read from a folder."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bodyscan.consent.key_files import save_public_key
from bodyscan.consent.key_history import start_history
from bodyscan.errors import ConsentError, InputError
from bodyscan.run.evidence import memory_place, read_evidence
from consent.people import ANNA, NOW, PACKER, STUDIO


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("keys", "lists", "withdrawals", "authorities", "packers"):
        (tmp_path / name).mkdir()
    (tmp_path / "keys" / "studio.json").write_text(start_history(STUDIO, (), NOW).to_text())
    (tmp_path / "lists" / "b.jwt").write_text("second")
    (tmp_path / "lists" / "a.jwt").write_text("first")
    (tmp_path / "lists" / ".hidden").write_text("no")
    (tmp_path / "withdrawals" / "w.json").write_text("{}")
    (tmp_path / "authorities" / "root.pem").write_bytes(b"-----")
    save_public_key(PACKER.public, tmp_path / "packers" / "p.jwk")
    (tmp_path / "trusted.toml").write_text(f'people = ["{ANNA.thumbprint}"]\n')
    (tmp_path / "README").write_text("what this is")
    return tmp_path


def test_a_folder_is_read_by_the_names_of_its_folders(folder: Path) -> None:
    found = read_evidence(folder, now=NOW)
    assert [history.owner for history in found.histories] == [STUDIO.thumbprint]
    assert found.status_lists == ("first", "second")
    assert found.withdrawals == ("{}",)
    assert found.stamp_roots == (b"-----",)
    assert found.trusted.packers == (PACKER.public,)
    assert found.trusted.people == {ANNA.thumbprint}
    assert found.trusted.controllers is None
    assert found.memory is not None
    assert memory_place(folder, None) == folder / "memory.json"


def test_single_files_are_added(folder: Path, tmp_path: Path) -> None:
    more = tmp_path / "more.jwt"
    more.write_text("third")
    found = read_evidence(folder, status_lists=[more], people=["x"], max_age_days=0.5, now=NOW)
    assert found.status_lists == ("first", "second", "third")
    assert found.trusted.people == {ANNA.thumbprint, "x"}
    assert found.max_age == timedelta(hours=12)


def test_nothing_given_is_nothing_known() -> None:
    found = read_evidence(None, now=NOW)
    assert found.memory is None
    assert (found.status_lists, found.withdrawals, found.histories) == ((), (), ())
    assert found.trusted.people is None


def test_what_is_out_of_place_is_told(folder: Path) -> None:
    with pytest.raises(InputError, match="is no folder"):
        read_evidence(folder / "README", now=NOW)
    with pytest.raises(InputError, match="There is no file"):
        read_evidence(None, withdrawals=[folder / "none.json"], now=NOW)
    (folder / "trusted.toml").write_text('friends = ["x"]')
    with pytest.raises(InputError, match="`friends` is not known; give lists `people` and `controllers`"):
        read_evidence(folder, now=NOW)
    (folder / "trusted.toml").unlink()
    (folder / "keys" / "studio.json").write_text("{}")
    with pytest.raises(ConsentError, match="the key history does not hold"):
        read_evidence(folder, now=NOW)
    (folder / "memory.json").write_text("{}")
    (folder / "keys" / "studio.json").unlink()
    with pytest.raises(InputError, match="memory"):
        read_evidence(folder, now=NOW)
    (folder / "lits").mkdir()
    with pytest.raises(InputError, match="holds the folder lits; known are keys, lists"):
        read_evidence(folder, now=NOW)
