"""Names for the ids that pictures carry, from the twins and records at hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bodyscan.errors import BodyscanError, ConsentError, InputError
from bodyscan.mark.twin_id import TwinName, names_of_consent

SUFFIXES = (".glb", ".vrm", ".json")
MAX_RECORD_BYTES = 4_000_000


def names_at_hand(places: Sequence[Path]) -> tuple[dict[bytes, TwinName], list[str]]:
    """Return the names of all twins (.glb, .vrm) and signed records (.json) given, and what was left out.

    A folder is searched with all below it; a file in it that carries no sound consent is left out, with its
    reason. One that is named itself raises: `ConsentError` where it carries none, `InputError` where it
    cannot be read.
    """
    names: dict[bytes, TwinName] = {}
    left_out = []
    for place in places:
        if not place.exists():
            raise InputError(f"There is no {place}. Give a twin, a signed record, or a folder of them.")
        if not place.is_dir():
            names.update(_names(place))
            continue
        for file in _files(place):
            try:
                names.update(_names(file))
            except BodyscanError as error:
                left_out.append(f"{file}: {error}")
    return names, left_out


def names_in_ledger(place: Path) -> dict[bytes, TwinName]:
    """Return the names of all twins whose uses stand in a ledger, or raise `InputError`."""
    from bodyscan.ledger import Ledger, known_twins

    with Ledger.open(place, create=False, read_only=True) as ledger:
        known = known_twins(ledger)
    return {bytes.fromhex(own): TwinName(*about, source=place.name) for own, about in known.items()}


def _files(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        if file.suffix.lower() in SUFFIXES and file.is_file():
            yield file


def _names(file: Path) -> dict[bytes, TwinName]:
    return names_of_consent(_consent(file), file.name)


def _consent(file: Path) -> str:
    """The consent text of a twin or a record, by content."""
    from bodyscan.gltf.consent_copies import agreed_consent
    from bodyscan.gltf.container import unpack_glb

    with file.open("rb") as stream:
        is_glb = stream.read(4) == b"glTF"
    if not is_glb:
        if file.stat().st_size > MAX_RECORD_BYTES:
            raise InputError(f"{file} is no twin, and too large for a consent record.")
        try:
            return file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise InputError(f"{file} is neither a twin (.glb) nor a signed record (JSON).") from None
    # The text alone: which surface stands in the file matters to `consent verify`, not to a name.
    text = agreed_consent(unpack_glb(file)[0])
    if text is None:
        raise ConsentError(f"{file.name} carries no consent record, so no picture can be told to be of it.")
    return text
