"""Drives the verifier page as a reader does: opens files, asks about a use, reads the answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from bodyscan.consent import Use
from bodyscan.consent.evidence import Evidence
from viewer.node import milliseconds

WAIT_S = 60


class VerifierPage:
    """One browser with the page open from a file."""

    def __init__(self, browser: Any, page: Path, folder: Path) -> None:
        self.browser, self.page, self.folder = browser, page, folder
        self.names = 0

    def load(self, now: datetime) -> None:
        """Open the page anew; its clock then stands at `now`."""
        self.browser.get(self.page.as_uri())
        self.set_clock(now)

    def set_clock(self, now: datetime) -> None:
        """Let the page's clock stand at `now`."""
        self.browser.execute_script("const now = arguments[0]; Date.now = () => now;", milliseconds(now))

    def open(self, data: bytes | str, suffix: str = "glb") -> dict[str, Any]:
        """Open a file and return the answer."""
        return self.after(lambda: self._give("file", [self._write(data, suffix)]))

    def give(self, texts: Sequence[str | bytes]) -> dict[str, Any]:
        """Add evidence and return the answer; with no file open there is none."""
        return self.after(lambda: self._give("evidence-file", [self._write(text, "json") for text in texts]))

    def ask(self, use: Use) -> dict[str, Any]:
        """Enter a use and return the answer."""
        facts: dict[str, Any] = {
            "purpose": str(use.purpose),
            "territory": use.territory or "",
            "medium": str(use.medium or ""),
            "licensee": use.licensee or "",
            "product_line": use.product_line or "",
            "when": f"{use.when:%Y-%m-%dT%H:%M:%S}" if use.when else "",
            "content": [str(kind) for kind in use.content],
        }
        return self.after(lambda: self.browser.execute_script(FILL, facts))

    def know(self, evidence: Evidence) -> None:
        """Enter the keys that the reader knows; with a file open, its answer is renewed."""
        sides = {"people": evidence.trusted.people, "controllers": evidence.trusted.controllers}
        for side, names in sides.items():
            self.browser.execute_script(
                "document.getElementById(arguments[0]).value = arguments[1]",
                f"known-{side}",
                " ".join(sorted(names or ())),
            )
        self.browser.execute_script("document.getElementById('known').dispatchEvent(new Event('change'))")

    def text(self, selector: str) -> str:
        """Return the text of the first element that a selector names, hidden parts too."""
        return self.browser.execute_script(
            "return document.querySelector(arguments[0]).textContent", selector
        )

    def wait_for(self, selector: str, text: str) -> None:
        """Wait until an element holds a text."""
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(self.browser, WAIT_S, poll_frequency=0.03).until(lambda _: text in self.text(selector))

    def answer(self) -> dict[str, Any]:
        """Return what the page says."""
        return json.loads(self.browser.execute_script(READ))

    def _turn(self) -> str | None:
        return self.browser.execute_script("return document.getElementById('verdict').dataset.turn")

    def after(self, act: Callable[[], Any]) -> dict[str, Any]:
        """Do something and return the answer that follows."""
        from selenium.webdriver.support.ui import WebDriverWait

        before = self._turn()
        act()
        WebDriverWait(self.browser, WAIT_S, poll_frequency=0.03).until(lambda _: self._turn() != before)
        return self.answer()

    def _give(self, place: str, paths: list[Path]) -> None:
        self.browser.find_element("id", place).send_keys("\n".join(map(str, paths)))

    def _write(self, data: bytes | str, suffix: str) -> Path:
        self.names += 1
        path = self.folder / f"{self.names}.{suffix}"
        path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"))
        return path


FILL = """
const facts = arguments[0], form = document.getElementById('ask');
for (const box of form.querySelectorAll('[name=content]')) box.checked = facts.content.includes(box.value);
for (const [name, value] of Object.entries(facts)) {
  const control = form.elements.namedItem(name);
  if (!control || name === 'content') continue;
  control.value = value;
}
form.dispatchEvent(new Event('change', { bubbles: true }));
"""
READ = """
const verdict = document.getElementById('verdict');
const all = (selector, read) => Object.fromEntries(
  [...document.querySelectorAll(selector)].map(item => read(item.dataset)));
return JSON.stringify({
  ...verdict.dataset,
  title: document.getElementById('verdict-title')?.textContent,
  tag: verdict.querySelector('.verdict-tag')?.textContent,
  reason: document.getElementById('verdict-reason')?.textContent,
  icon: verdict.querySelector('svg')?.getAttribute('class'),
  parts: all('[data-part]', data => [data.part, data.verdict]),
  copies: all('[data-copy]', data => [data.copy, Number(data.found)]),
});
"""
