"""What the tests of every page do: load it, take a picture, find a point of the world in it."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZE = 480
"""Pixels; the page shows 2.4 m, X from -1.2 and Y from -0.2."""


def load(browser: Any, address: str) -> Any:
    """Open the page and wait for the twin to be drawn."""
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get(address)
    WebDriverWait(browser, 60).until(lambda b: b.execute_script("return window.report !== undefined"))
    error = browser.execute_script("return window.report.error")
    assert not error, error
    return browser


def picture(page: Any) -> NDArray[np.uint8]:
    """Return what the canvas shows: (480, 480, 3), row 0 at the top."""
    flat = np.frombuffer(base64.b64decode(page.execute_script("return window.pixels()")), np.uint8)
    return flat.reshape(SIZE, SIZE, 4)[::-1, :, :3]


def pixel(x: float, y: float) -> tuple[int, int]:
    """Return the row and column where the point (x, y) in metres is shown."""
    return round((2.2 - y) / 2.4 * SIZE), round((x + 1.2) / 2.4 * SIZE)


def is_body(image: NDArray[np.uint8], x: float, y: float) -> bool:
    """Return whether something stands at (x, y) before the white room."""
    row, column = pixel(x, y)
    return bool(image[row, column].min() < 250)
