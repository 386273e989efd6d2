from __future__ import annotations

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.render.sheet import Panel, SheetOptions, contact_sheet


def plain(value: int, width: int = 60, height: int = 80) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def test_panels_without_words_are_set_side_by_side() -> None:
    sheet = contact_sheet([Panel(plain(10)), Panel(plain(200, 30))])
    assert sheet.shape == (80, 90, 3)
    assert (sheet[:, :60] == 10).all()
    assert (sheet[:, 60:] == 200).all()


def test_captions_add_a_strip_and_leave_the_pictures_alone() -> None:
    sheet = contact_sheet([Panel(plain(10), "Scan"), Panel(plain(20), "Fit", "1.2 mm")])
    assert (sheet[:80, :60] == 10).all()
    assert sheet.shape[0] > 80
    strip = sheet[80:]
    assert strip.min() < 120
    assert strip.max() == 250


def test_panels_are_brought_to_one_height() -> None:
    sheet = contact_sheet([Panel(plain(10, 60, 40)), Panel(plain(20))])
    assert sheet.shape == (80, 180, 3)


def test_columns_and_gaps() -> None:
    sheet = contact_sheet([Panel(plain(v)) for v in (1, 2, 3)], SheetOptions(columns=2, gap=5))
    assert sheet.shape == (2 * 80 + 15, 2 * 60 + 15, 3)
    assert (sheet[0] == 250).all()


def test_no_panels_and_negative_gaps_are_refused() -> None:
    with pytest.raises(InputError, match="no panels"):
        contact_sheet([])
    with pytest.raises(InputError, match="must be 0 or more"):
        SheetOptions(gap=-1)
