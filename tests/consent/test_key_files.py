from __future__ import annotations

import os
from pathlib import Path

import pytest

from bodyscan.consent.key_files import (
    find_private_key,
    load_private_key,
    load_public_key,
    others_can_read,
    save_private_key,
    save_public_key,
)
from bodyscan.errors import InputError
from consent.people import ANNA, STUDIO


@pytest.mark.parametrize("suffix", [".jwk", ".json", ".pem"])
def test_files_round_trip_and_private_ones_are_the_owners_alone(tmp_path: Path, suffix: str) -> None:
    private, public = tmp_path / f"a{suffix}", tmp_path / f"a.pub{suffix}"
    save_private_key(ANNA, private)
    save_public_key(ANNA.public, public)
    assert load_private_key(private).public == ANNA.public == load_public_key(public)
    if os.name == "posix":
        assert private.stat().st_mode & 0o777 == 0o600
        assert not others_can_read(private)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([private.name, public.name])


def test_a_passphrase_locks_pem_and_is_refused_for_jwk(tmp_path: Path) -> None:
    save_private_key(ANNA, tmp_path / "a.pem", passphrase="word")
    assert load_private_key(tmp_path / "a.pem", "word").public == ANNA.public
    with pytest.raises(InputError, match=r"holds no passphrase; name the file \.pem"):
        save_private_key(ANNA, tmp_path / "a.jwk", passphrase="word")


def test_an_existing_key_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.jwk"
    save_private_key(ANNA, path)
    with pytest.raises(InputError, match="exists already"):
        save_private_key(STUDIO, path)
    assert load_private_key(path).public == ANNA.public
    save_private_key(STUDIO, path, overwrite=True)
    assert load_private_key(path).public == STUDIO.public


def test_refusals_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a key file ends in .*; a.key does not"):
        save_private_key(ANNA, tmp_path / "a.key")
    with pytest.raises(InputError, match=r"none.jwk cannot be read"):
        load_private_key(tmp_path / "none.jwk")
    with pytest.raises(InputError, match="cannot be written"):
        save_private_key(ANNA, tmp_path / "no_folder" / "a.jwk")
    (tmp_path / "big.jwk").write_bytes(b" " * 70_000)
    with pytest.raises(InputError, match="too large"):
        load_public_key(tmp_path / "big.jwk")


def test_a_key_is_found_by_its_thumbprint_among_other_files(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "sub.jwk").mkdir()
    save_public_key(STUDIO.public, tmp_path / "b.pub.jwk")
    save_private_key(ANNA, tmp_path / "c.jwk")
    assert find_private_key(tmp_path, STUDIO.thumbprint) is None
    save_private_key(STUDIO, tmp_path / "d.pem")
    with pytest.raises(InputError, match="is no folder"):
        find_private_key(tmp_path / "none", STUDIO.thumbprint)
    found = find_private_key(tmp_path, STUDIO.thumbprint)
    assert found is not None
    assert found.public == STUDIO.public
