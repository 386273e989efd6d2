"""What ends a build."""

from __future__ import annotations


class BuildError(Exception):
    """The add-on cannot be built; the message says why and what to do."""
