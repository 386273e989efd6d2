from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bodyscan.consent.certificates import SigningIdentity
from bodyscan.errors import InputError
from bodyscan.mark import read_mark, save_marked
from bodyscan.mark.c2pa_manifest import C2paVerdict, sign_picture, verify_picture
from consent.authority import Certified
from mark.c2pa_files import CONSENT, INFO, PICTURE, SOFTWARE, glb, saved


def pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP"])
def test_a_picture_keeps_pixels_and_mark_and_gains_a_manifest(
    root: Certified, identity: SigningIdentity, tmp_path: Path, file_format: str
) -> None:
    picture, consent = saved(file_format), replace(CONSENT, geometry=None)
    assert verify_picture(picture, (root.pem,)).verdict is C2paVerdict.MISSING
    signed = sign_picture(picture, consent, identity, SOFTWARE, "a")
    assert verify_picture(signed, (root.pem,), consent).ok
    assert (pixels(signed) == pixels(picture)).all()
    (tmp_path / "signed").write_bytes(signed)
    marked = read_mark(tmp_path / "signed")
    assert marked is not None
    assert marked[0] == INFO


def test_a_changed_picture_is_found(root: Certified, identity: SigningIdentity) -> None:
    signed = bytearray(sign_picture(saved("PNG"), CONSENT, identity, SOFTWARE, "a"))
    signed[-200] ^= 1
    assert verify_picture(bytes(signed), (root.pem,)).verdict is C2paVerdict.ALTERED


def test_a_picture_saved_anew_has_no_manifest(root: Certified, identity: SigningIdentity) -> None:
    signed = sign_picture(saved("PNG"), CONSENT, identity, SOFTWARE, "a")
    buffer = io.BytesIO()
    Image.open(io.BytesIO(signed)).save(buffer, "PNG")
    report = verify_picture(buffer.getvalue(), (root.pem,))
    assert report.verdict is C2paVerdict.MISSING
    assert "no C2PA manifest in the file" in report.reason


def test_a_picture_of_another_consent_disagrees(root: Certified, identity: SigningIdentity) -> None:
    signed = sign_picture(saved("JPEG"), CONSENT, identity, SOFTWARE, "a")
    other = replace(CONSENT, record_sha256="00" * 32)
    assert verify_picture(signed, (root.pem,), other).verdict is C2paVerdict.DISAGREES


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"RIFF....WAVE", glb()])
def test_other_kinds_of_pictures_are_refused(identity: SigningIdentity, data: bytes) -> None:
    with pytest.raises(InputError, match="no PNG, JPEG or WebP"):
        sign_picture(data, CONSENT, identity, SOFTWARE, "a")
    with pytest.raises(InputError, match="no PNG, JPEG or WebP"):
        verify_picture(data, ())


def test_save_marked_pictures_can_be_signed(
    tmp_path: Path, identity: SigningIdentity, root: Certified
) -> None:
    path = save_marked(PICTURE, tmp_path / "a.jpg", INFO)
    signed = sign_picture(path.read_bytes(), CONSENT, identity, SOFTWARE, path.name)
    assert verify_picture(signed, (root.pem,), CONSENT).ok
