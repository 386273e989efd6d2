"""The page's answers to the attack table, beside the package's own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bodyscan.errors import InputError
from bodyscan.viewer.verifier_page import verifier_page
from browser.verifier import VerifierPage
from consent.attacks import ATTACKS
from consent.attacks_base import Attack
from viewer.agree import differences, plain

pytestmark = [pytest.mark.browser, pytest.mark.slow]

JUDGED = [attack for attack in ATTACKS if not attack.succeeds]


def beyond_the_page(attack: Attack) -> str:
    """Return what a row needs that the page cannot do, empty where it can do all."""
    evidence = attack.case.evidence
    if evidence.stamp_roots:
        return "the page checks no time stamps"
    return "the page knows no oldest age of a list" if evidence.max_age is not None else ""


def texts_of(attack: Attack) -> list[str | bytes]:
    """Return the row's evidence as the files that a reader would add."""
    evidence = attack.case.evidence
    texts: list[str | bytes] = [*evidence.status_lists, *evidence.withdrawals]
    texts += [history.to_text() for history in evidence.histories]
    texts += [json.dumps(key.model_dump()) for key in evidence.trusted.packers]
    return texts + ([] if evidence.memory is None else [evidence.memory.to_text()])


def package_verdict(attack: Attack) -> dict[str, Any]:
    """Return what the package says of a row."""
    try:
        return plain(attack.judge())
    except InputError:
        return {"decision": "deny", "state": "unreadable"}


def page_verdict(page: VerifierPage, attack: Attack) -> dict[str, Any]:
    """Return what the page says of a row, asked as a reader would ask."""
    page.load(attack.now)
    page.know(attack.case.evidence)
    file = attack.case.file
    answer = page.open(file, "json" if isinstance(file, str) else "glb")
    if texts := texts_of(attack):
        page.give(texts)
    answer = page.ask(attack.use)
    if answer["state"] == "not_judged":  # the package raises for such a question
        return answer | {"decision": "deny", "state": "unreadable", "movedMm": 0.0}
    return {
        "decision": answer["decision"],
        "state": answer["state"],
        "clause": answer["clause"],
        "geometry": answer["geometry"] or None,
        "movedMm": float(answer["moved"]),
        "parts": {name: verdict for name, verdict in answer["parts"].items() if name != "geometry"},
        "reason": answer["reason"],
    }


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory) -> VerifierPage:
    folder = tmp_path_factory.mktemp("attacks")
    path = folder / "verify.html"
    path.write_text(verifier_page(), encoding="utf-8")
    return VerifierPage(browser, path, folder)


@pytest.mark.parametrize("attack", JUDGED, ids=lambda attack: attack.name[:70])
def test_the_page_says_what_the_package_says(page, attack):
    if reason := beyond_the_page(attack):
        pytest.skip(reason)
    assert differences(package_verdict(attack), page_verdict(page, attack)) == {}


def test_nearly_all_of_the_table_is_asked():
    asked = [attack for attack in JUDGED if not beyond_the_page(attack)]
    assert len(asked) > 200
    assert len(JUDGED) - len(asked) < 20
