"""Runs the page's judgement under Node.js, without a browser; pictures are not decoded there."""

from __future__ import annotations

import base64
import json
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

from bodyscan.consent import Use
from bodyscan.viewer.verifier_data import verifier_data
from bodyscan.viewer.verifier_page import SOURCES
from gltf.tools import need_program


def use_values(use: Use | None) -> dict[str, Any] | None:
    """Return a use as the page knows it."""
    if use is None:
        return None
    facts = {
        "purpose": str(use.purpose),
        "territory": use.territory,
        "medium": use.medium and str(use.medium),
        "licensee": use.licensee,
        "product_line": use.product_line,
        "content": [str(kind) for kind in use.content],
        "when": None if use.when is None else milliseconds(use.when),
    }
    return {name: value for name, value in facts.items() if value not in (None, [])}


def milliseconds(time: datetime) -> int:
    """Return a UTC time in milliseconds since 1970."""
    return round(time.timestamp() * 1000)


def job(
    file: bytes | str, now: datetime, use: Use | None = None, evidence: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return one question: a file (or a consent text), a moment, a use, and texts beside the file."""
    data = file.encode() if isinstance(file, str) else file
    return {
        "file": base64.b64encode(data).decode(),
        "now": milliseconds(now),
        "use": use_values(use),
        "evidence": list(evidence),
    }


def judge(*jobs: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the page's verdicts."""
    return _run("judge.mjs", list(jobs))


def call(module: str, name: str, *arguments: list[Any]) -> list[dict[str, Any]]:
    """Call a function of a module once for each list of arguments: `{"value": ...}` or `{"error": ...}`.

    Bytes go in as `as_bytes`, and come back as `{"$bytes": base64}`.
    """
    return _run("call.mjs", [{"module": module, "name": name, "args": args} for args in arguments])


def as_bytes(data: bytes) -> dict[str, str]:
    """Return bytes as the script takes them."""
    return {"$bytes": base64.b64encode(data).decode()}


def from_bytes(result: dict[str, Any]) -> bytes:
    """Return the bytes that a call gave."""
    return base64.b64decode(result["value"]["$bytes"])


def _run(script: str, jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    done = subprocess.run(
        [need_program("node"), str(Path(__file__).with_name(script)), str(SOURCES)],
        input=json.dumps({"data": verifier_data(), "jobs": jobs}),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
