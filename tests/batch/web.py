"""Web servers on this machine that behave as some do."""

from __future__ import annotations

import http.server
from typing import Any


class Web(http.server.SimpleHTTPRequestHandler):
    """A plain server of files, quiet."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class Unmeasured(Web):
    """Does not tell how long a file is."""

    def send_header(self, keyword: str, value: str) -> None:
        """Leave the length away."""
        if keyword != "Content-Length":
            super().send_header(keyword, value)


class Signed(Web):
    """Gives the scan's own file and refuses every other, there or not."""

    def send_head(self) -> Any:
        """Refuse what is not the scan."""
        if self.path.startswith("/woman.obj"):
            return super().send_head()
        self.send_error(403)
        return None
