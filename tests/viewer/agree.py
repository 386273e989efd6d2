"""Compares the page's verdicts with the package's."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bodyscan.consent import ConsentStatus, Evidence, Use, strict_json, verify_content, verify_record
from bodyscan.consent.status_list import address_of
from bodyscan.errors import ConsentError, InputError
from bodyscan.gltf.read_content import read_content
from viewer.node import job, judge

MOVED_MM = 1e-3
"""How far the two may differ in a distance: the package measures in float32."""


def python_verdict(
    file: bytes | str, now: datetime, use: Use | None = None, evidence: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return what the package says of a file or a consent text, as plain values."""
    lists = tuple(text for text in evidence if address_of(text) is not None)
    statements = tuple(text for text in evidence if text not in lists)
    known = Evidence(status_lists=lists, withdrawals=statements)
    try:
        if isinstance(file, str):
            strict_json.loads(file)
            return plain(verify_record(file, now, use, known))
        text, content = read_content(file)
        return plain(verify_content(text, content, now, use, known))
    except ConsentError:
        return {"decision": "deny", "state": "altered"}
    except InputError:
        return {"decision": "deny", "state": "unreadable"}


def plain(status: ConsentStatus) -> dict[str, Any]:
    """Return the parts of a status that both sides tell."""
    return {
        "decision": str(status.decision),
        "state": str(status.state),
        "clause": status.clause,
        "geometry": None if status.geometry is None else str(status.geometry),
        "moved_mm": status.moved_mm,
        "parts": {name: told.split(":")[0] for name, told in status.parts.items()},
    }


def agreed(cases: dict[str, tuple[Any, ...]]) -> dict[str, dict[str, Any]]:
    """Check that page and package agree on cases, name -> (file, now, use, evidence); return the verdicts."""
    pages = judge(*[job(*case) for case in cases.values()])
    packages = {name: python_verdict(*case) for name, case in cases.items()}
    differing = {
        name: problem
        for (name, package), page in zip(packages.items(), pages, strict=True)
        if (problem := differences(package, page))
    }
    assert differing == {}
    return packages


def differences(package: dict[str, Any], page: dict[str, Any]) -> dict[str, Any]:
    """Return field -> (package, page) where they differ; only fields that the package tells are compared."""
    told = {
        "decision": page["decision"],
        "state": page["state"],
        "clause": page["clause"],
        "geometry": page.get("geometry"),
        "moved_mm": page["movedMm"],
        "parts": page["parts"],
    }
    result = {}
    if package.get("geometry") is None:  # the package tells no body where the terms deny
        package = {name: value for name, value in package.items() if name in ("decision", "state", "clause")}
    for field, value in package.items():
        near = field == "moved_mm" and abs(value - told[field]) <= MOVED_MM * max(1.0, value)
        bare = field == "geometry" and value == "stripped" and told[field] is None
        if value != told[field] and not near and not bare:
            result[field] = (value, told[field], page["reason"])
    return result
