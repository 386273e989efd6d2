"""The verifier as one HTML file: no server, no network, nothing to install.

The page is made of the small JavaScript modules in `verifier/`. Here they are joined into one script, each in
a scope of its own, with what they must know of this package (`verifier_data`). A Content-Security-Policy
allows this one script and this one style by their hashes and forbids every connection.
"""

from __future__ import annotations

import base64
import hashlib
import html
import importlib.metadata
import json
import re
from pathlib import Path

from bodyscan.viewer.verifier_data import verifier_data

SOURCES = Path(__file__).with_name("verifier")
ENTRY = "app.js"
_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([a-z0-9_]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?:async )?(?:function|class|const|let) (\w+)", re.MULTILINE)


def verifier_page() -> str:
    """Return the page as HTML text; the same package gives the same text."""
    style = (SOURCES / "style.css").read_text(encoding="utf-8")
    data = json.dumps(verifier_data(), separators=(",", ":"), ensure_ascii=True).replace("<", "\\u003c")
    script = f'"use strict";\nconst BODYSCAN_DATA = {data};\n{join_modules(ENTRY)}'
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; base-uri 'none'; "
        "form-action 'none'"
    )
    page = (SOURCES / "verifier.html").read_text(encoding="utf-8")
    for mark, text in (
        ("{{policy}}", html.escape(policy, quote=True).replace("&#x27;", "'")),
        ("{{version}}", html.escape(importlib.metadata.version("bodyscan"))),
        ("{{style}}", style),
        ("{{script}}", script),
    ):
        page = page.replace(mark, text)
    return page


def join_modules(entry: str, folder: Path = SOURCES) -> str:
    """Return one script that does what the module `entry` of a folder does, with all that it imports.

    Each module becomes a function that runs at once, in the order of their imports, and returns what it
    exports. Raises `ValueError` for a form of import or export that is not understood, a cycle, or a text
    that would end the script in a page.
    """
    sources: dict[str, str] = {}
    _collect(entry, folder, sources, [])
    return "".join(_wrapped(name, source) for name, source in sources.items())


def _collect(name: str, folder: Path, sources: dict[str, str], path: list[str]) -> None:
    """Add the sources of a module and of all that it imports, those first."""
    if name in path:
        raise ValueError(f"the modules import each other in a circle: {' -> '.join([*path, name])}")
    if name in sources:
        return
    source = (folder / name).read_text(encoding="utf-8")
    if "</script" in source.lower() or "<!--" in source:
        raise ValueError(f"{name} holds a text that would end the script")
    for match in _IMPORT.finditer(source):
        _collect(match[2], folder, sources, [*path, name])
    sources[name] = source


def _wrapped(name: str, source: str) -> str:
    exported = _EXPORT.findall(source)
    body = _IMPORT.sub(lambda match: f"const {{{match[1]}}} = {_variable(match[2])};\n", source)
    body = _EXPORT.sub(lambda match: match[0].removeprefix("export "), body)
    if left := re.search(r"^(import|export)\b.*$", body, re.MULTILINE):
        raise ValueError(f"{name}: this form is not understood: {left[0]}")
    return f"const {_variable(name)} = (() => {{\n{body}return {{ {', '.join(exported)} }};\n}})();\n"


def _variable(name: str) -> str:
    return f"module_{name.removesuffix('.js')}"


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
