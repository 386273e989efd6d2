"""The steps, in their order, and what each is made of."""

from __future__ import annotations

STEPS = ("scan", "fit", "texture", "twin")
MADE_OF: dict[str, tuple[str, ...]] = {
    "scan": (),
    "fit": ("scan",),
    "texture": ("fit",),
    "twin": ("texture", "fit"),
}
"""Step -> the steps whose result it takes: the first of them that is done."""
