"""Key files: JWK (`.jwk`, `.json`) or PEM (`.pem`). Private ones are readable by their owner alone."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from bodyscan.consent.keys import (
    PublicJwk,
    SigningKey,
    parse_private_key,
    parse_public_key,
    public_key_pem,
)
from bodyscan.consent.strict_json import canonical
from bodyscan.errors import InputError

KEY_SUFFIXES = (".jwk", ".json", ".pem")


def save_private_key(
    key: SigningKey, path: Path, *, passphrase: str | None = None, overwrite: bool = False
) -> None:
    """Write a private key with the file mode 0600. A passphrase needs the `.pem` form.

    Raises `InputError` for an unknown suffix, a passphrase with a JWK, or an existing file
    (a lost key cannot be made again) unless `overwrite`.
    """
    if _is_pem(path):
        text = key.to_pem_text(passphrase)
    elif passphrase:
        raise InputError(
            f"{path.name} is a JWK file, which holds no passphrase; name the file .pem to lock it."
        )
    else:
        text = key.to_jwk_text()
    _write(path, text, mode=0o600, overwrite=overwrite)


def save_public_key(key: PublicJwk, path: Path, *, overwrite: bool = False) -> None:
    """Write a public key; raises `InputError` as `save_private_key` does."""
    text = public_key_pem(key) if _is_pem(path) else canonical(key.model_dump()).decode() + "\n"
    _write(path, text, mode=0o644, overwrite=overwrite)


def load_private_key(path: Path, passphrase: str | None = None) -> SigningKey:
    """Read a private key file, or raise `InputError`."""
    return parse_private_key(read_key_text(path), passphrase, what=f"the private key {path.name}")


def load_public_key(path: Path) -> PublicJwk:
    """Read a public key file, or raise `InputError`; a private key is refused."""
    return parse_public_key(read_key_text(path), what=f"the public key {path.name}")


def read_key_text(path: Path) -> str:
    """Return the text of a key file of at most 64 KiB, or raise `InputError`."""
    try:
        with path.open("rb") as file:
            data = file.read(65537)
        if len(data) > 65536:
            raise InputError(f"{path} is too large to be a key file.")
        return data.decode("utf-8")
    except OSError as error:
        raise InputError(f"the key file {path} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is no key file: it is not text; give a JWK or a PEM.") from None


def others_can_read(path: Path) -> bool:
    """True where the file's mode lets its group or everybody read it (always False on Windows)."""
    return os.name == "posix" and bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


def find_private_key(folder: Path, thumbprint: str) -> SigningKey | None:
    """Return the unlocked private key in `folder` with this thumbprint, or None.

    Looks at `.jwk`, `.json` and `.pem` files of the folder itself, in the order of their names;
    files that are no private key, or a locked one, are passed over.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; give the one that holds the key.")
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in KEY_SUFFIXES or not path.is_file() or path.stat().st_size > 65536:
            continue
        try:
            key = load_private_key(path)
        except InputError:
            continue
        if key.thumbprint == thumbprint:
            return key
    return None


def _is_pem(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix not in KEY_SUFFIXES:
        raise InputError(f"a key file ends in {', '.join(KEY_SUFFIXES)}; {path.name} does not.")
    return suffix == ".pem"


def _write(path: Path, text: str, *, mode: int, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise InputError(f"{path} exists already; a key is never overwritten unless that is asked for.")
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.replace(temporary, path)  # noqa: PTH105
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(f"the key file {path} cannot be written: {error.strerror or error}.") from None
