"""Pages that show a twin or what is known of it, for people without this package."""

from __future__ import annotations

from bodyscan.viewer.verifier_page import verifier_page

__all__ = ["verifier_page"]
