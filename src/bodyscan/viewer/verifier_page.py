"""The verifier as one HTML file: no server, no network, nothing to install.

The page is made of the small JavaScript modules in `verifier/`. Here they are joined into one script, each in
a scope of its own, and what they must know of this package (schemas, country codes, classes of characters) is
taken from the package itself, so that the two cannot drift apart. A Content-Security-Policy allows this one
script and this one style by their hashes and forbids every connection.
"""

from __future__ import annotations

import base64
import hashlib
import html
import importlib.metadata
import json
import re
import sys
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from bodyscan.consent.attestation import Attestation
from bodyscan.consent.binding import Binding
from bodyscan.consent.fields import check_text
from bodyscan.consent.key_history import KeyList
from bodyscan.consent.record import record_json_schema
from bodyscan.consent.territories import COUNTRY_CODES, USER_ASSIGNED
from bodyscan.consent.withdrawal import WithdrawalStatement

SOURCES = Path(__file__).with_name("verifier")
ENTRY = "app.js"
LOOKALIKE_SCRIPTS = ("ARMENIAN", "CHEROKEE", "COPTIC", "CYRILLIC", "GREEK", "LATIN", "LISU")
"""Scripts of which one word may hold letters of one alone (see `bodyscan.consent.fields.check_text`)."""
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


@cache
def verifier_data() -> dict[str, Any]:
    """Return what the page must know of this package, as JSON values."""
    return {
        "schemas": {
            "record": record_json_schema(),
            "binding": signed_schema(Binding),
            "attestation": signed_schema(Attestation),
            "keys": signed_schema(KeyList),
            "withdrawal": signed_schema(WithdrawalStatement),
        },
        "countries": sorted(COUNTRY_CODES | USER_ASSIGNED),
        **_characters(),
    }


def signed_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of a payload as it is signed: every default written out, no null."""
    schema = model.model_json_schema(by_alias=True)
    for part in (schema, *schema.get("$defs", {}).values()):
        properties = part.get("properties", {})
        optional = {name for name, field in properties.items() if field.get("default", ...) is None}
        for field in properties.values():
            kinds = [kind for kind in field.get("anyOf", ()) if kind != {"type": "null"}]
            if len(kinds) == 1:
                del field["anyOf"]
                field.update(kinds[0])
        if properties:
            part["required"] = [name for name in properties if name not in optional]
    return schema


def join_modules(entry: str) -> str:
    """Return one script that does what the module `entry` does, with all that it imports.

    Each module becomes a function that runs at once, in the order of their imports, and returns what it
    exports. Raises `ValueError` for a form of import or export that is not understood, or a cycle.
    """
    order: list[str] = []
    _visit(entry, order, [])
    return "".join(_wrapped(name) for name in order)


def _visit(name: str, order: list[str], path: list[str]) -> None:
    if name in path:
        raise ValueError(f"the modules import each other in a circle: {' -> '.join([*path, name])}")
    if name in order:
        return
    for match in _IMPORT.finditer(_source(name)):
        _visit(match[2], order, [*path, name])
    order.append(name)


def _wrapped(name: str) -> str:
    source = _source(name)
    exported = _EXPORT.findall(source)
    body = _IMPORT.sub(lambda match: f"const {{{match[1]}}} = {_variable(match[2])};\n", source)
    body = _EXPORT.sub(lambda match: match[0].removeprefix("export "), body)
    if left := re.search(r"^(import|export)\b.*$", body, re.MULTILINE):
        raise ValueError(f"{name}: this form is not understood: {left[0]}")
    return f"const {_variable(name)} = (() => {{\n{body}return {{ {', '.join(exported)} }};\n}})();\n"


@cache
def _source(name: str) -> str:
    text = (SOURCES / name).read_text(encoding="utf-8")
    if "</script" in text.lower() or "<!--" in text:
        raise ValueError(f"{name} holds a text that would end the script")
    return text


def _variable(name: str) -> str:
    return f"module_{name.removesuffix('.js')}"


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _characters() -> dict[str, Any]:
    """Return which code points no text may hold, and those of each script, as first, last, first, last ..."""
    refused: list[int] = []
    scripts: dict[str, list[int]] = {script: [] for script in LOOKALIKE_SCRIPTS}
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        if unicodedata.category(char) in ("Cn", "Co", "Cs"):  # most of all code points
            _extend(refused, code)
            continue
        if _is_refused(char):
            _extend(refused, code)
        script = unicodedata.name(char, "").split(" ", 1)[0] if char.isalpha() else ""
        if script in scripts:
            _extend(scripts[script], code)
    return {"refusedCharacters": refused, "scripts": scripts}


def _is_refused(char: str) -> bool:
    """True where no text may hold the character, wherever it stands and in whatever normal form."""
    try:
        check_text(f".{char}.")  # so that it is neither first nor last
    except ValueError as error:
        return "control character" in str(error)
    return False


def _extend(ranges: list[int], code: int) -> None:
    if ranges and ranges[-1] == code - 1:
        ranges[-1] = code
    else:
        ranges += [code, code]
