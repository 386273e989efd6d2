"""The stand-alone verifier in a real browser, opened from a file."""

from __future__ import annotations

import base64
import gzip
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bodyscan.consent import Use
from bodyscan.consent.evidence import Evidence, TrustedKeys
from bodyscan.consent.keys import b64url_encode
from bodyscan.consent.record import Medium, Purpose, record_from_values
from bodyscan.consent.status_list import MIN_ENTRIES
from bodyscan.consent.withdrawal import WithdrawalAction, withdraw
from bodyscan.gltf import twin_to_glb
from bodyscan.viewer.verifier_page import verifier_page
from browser.verifier import VerifierPage
from consent.people import ANNA, NOW, STUDIO, changed, signed, signed_values
from consent.status_lists import both, listed_values, make, resign
from viewer.bodies import (
    DOCUMENT_EDITS,
    PACKINGS,
    edited,
    moved,
    other_skin,
    packed,
    plain_twin,
    textured_twin,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TRY_ON = Use(Purpose.VIRTUAL_TRY_ON, territory="DE", medium=Medium.WEB)


@pytest.fixture(scope="module")
def verifier(browser, tmp_path_factory) -> VerifierPage:
    folder = tmp_path_factory.mktemp("verifier")
    page = folder / "verify.html"
    page.write_text(verifier_page(), encoding="utf-8")
    return VerifierPage(browser, page, folder)


@pytest.fixture
def page(verifier) -> VerifierPage:
    verifier.load(NOW)
    return verifier


def test_a_sound_twin_is_shown_with_its_terms(page):
    answer = page.open(twin_to_glb(textured_twin()))
    assert (answer["decision"], answer["state"], answer["geometry"]) == ("allow", "valid", "exact")
    assert answer["title"] == "The consent holds"
    assert answer["parts"] == {"geometry": "exact", "rig": "exact", "morphs": "exact", "texture": "exact"}
    assert answer["copies"] == {"extension": 1, "xmp": 1, "extras": 1}
    terms = page.text("#record")
    for told in ("Anna 7", "Atelier", "Germany (DE)", "12.50 EUR for each use", "1 January 2027", "30 days"):
        assert told in terms
    proof = page.text("#signatures").replace(" ", "")
    assert ANNA.thumbprint in proof
    assert STUDIO.thumbprint in proof


def test_a_use_is_allowed_denied_by_its_clause_or_unknown(page):
    page.open(twin_to_glb(plain_twin()))
    allowed = page.ask(TRY_ON)
    assert (allowed["decision"], allowed["title"], allowed["tag"]) == (
        "allow",
        "This use is allowed",
        "Allow",
    )
    denied = page.ask(replace(TRY_ON, territory="FR"))
    assert (denied["decision"], denied["clause"]) == ("deny", "scope.territories")
    assert "territory FR is not allowed" in denied["reason"]
    assert "This decides" in page.text(".decided")
    unknown = page.ask(replace(TRY_ON, medium=None))
    assert (unknown["decision"], unknown["clause"]) == ("unknown", "scope.media")
    later = page.ask(replace(TRY_ON, when=NOW + timedelta(days=400)))
    assert (later["decision"], later["state"]) == ("deny", "expired")


def test_a_question_that_cannot_be_judged_gets_no_answer(page):
    page.open(twin_to_glb(plain_twin()))
    past = page.ask(replace(TRY_ON, when=NOW - timedelta(days=1)))
    assert (past["decision"], past["title"]) == ("unknown", "This question cannot be judged")
    assert "That moment has passed" in past["reason"]
    page.ask(TRY_ON)
    nowhere = page.after(
        lambda: page.browser.execute_script(
            "const place = document.getElementById('ask-territory'); place.value = 'Atlantis';"
            "place.dispatchEvent(new Event('change', { bubbles: true }))"
        )
    )
    assert (nowhere["decision"], nowhere["state"]) == ("unknown", "not_judged")
    assert "is no territory" in page.text("#ask-error")


def test_each_answer_has_a_shape_and_a_word_of_its_own(page):
    page.open(twin_to_glb(plain_twin()))
    uses = (TRY_ON, replace(TRY_ON, territory="FR"), replace(TRY_ON, territory=None))
    answers = [page.ask(use) for use in uses]
    assert [answer["icon"] for answer in answers] == [
        "icon icon-allow", "icon icon-deny", "icon icon-unknown",
    ]  # fmt: skip
    assert [answer["tag"] for answer in answers] == ["Allow", "Deny", "Unknown"]


def test_a_packed_twin_is_repacked_and_its_picture_is_looked_at(page):
    data = twin_to_glb(textured_twin())
    answer = page.open(packed(data, PACKINGS["meshopt"]))
    assert answer["geometry"] == "repacked"
    assert 0 < float(answer["moved"]) < 1.5
    assert answer["parts"]["texture"] == "kept"
    answer = page.open(twin_to_glb(other_skin(textured_twin())))
    assert (answer["decision"], answer["title"]) == ("deny", "The body was changed")
    assert (answer["parts"]["geometry"], answer["parts"]["texture"]) == ("exact", "altered")
    assert "Not as it was bound: the skin or its colours." in page.text("#verdict")


def test_an_altered_body_does_not_lend_its_terms(page):
    answer = page.open(moved(plain_twin(), lambda at: at * (1.05, 1, 1.05)))
    assert (answer["decision"], answer["geometry"]) == ("deny", "altered")
    assert "do not allow anything with this file" in page.text("#record")


def test_missing_copies_are_told_and_differing_ones_deny(page):
    answer = page.open(edited(plain_twin(), DOCUMENT_EDITS["no packet"]))
    assert answer["decision"] == "allow"
    assert answer["copies"] == {"extension": 1, "xmp": 0, "extras": 1}
    assert "missing: a tool dropped it" in page.text("[data-copy=xmp]")
    answer = page.open(edited(plain_twin(), DOCUMENT_EDITS["one copy of another"]))
    assert (answer["decision"], answer["state"]) == ("deny", "altered")
    assert "They differ" in page.text("#proof")
    answer = page.open(edited(plain_twin(), DOCUMENT_EDITS["no copies at all"]))
    assert (answer["state"], answer["title"]) == ("stripped", "There is no complete consent")


def test_a_record_alone_is_read_without_a_body(page):
    answer = page.open(signed(), "json")
    assert (answer["decision"], answer["geometry"]) == ("allow", "")
    assert "No body in this file" in page.text("#verdict")
    answer = page.open(signed().replace('"payload":"', '"payload":"A'), "json")
    assert answer["state"] == "altered"
    assert "shown only where every signature holds" in page.text("#record")
    assert "Anna" not in page.text("#record")


def test_a_withdrawal_and_a_status_list_are_taken_into_account(page):
    page.open(signed(), "json")
    statement = withdraw(record_from_values(changed()), WithdrawalAction.REVOKE, ANNA, 1, NOW)
    answer = page.give([statement])
    assert (answer["state"], answer["title"]) == ("revoked", "The person took the consent back")
    page.load(NOW)
    answer = page.open(signed_values(listed_values()), "json")
    assert (answer["decision"], answer["clause"]) == ("unknown", "withdrawal.status.revocation_list")
    answer = page.give(both())
    assert answer["decision"] == "allow"
    take_away = page.browser.find_element("css selector", "#evidence-list button")
    assert page.after(take_away.click)["decision"] == "unknown"
    assert "Not counted" in (page.give(["no list at all"]), page.text("#status"))[1]


def test_keys_that_the_reader_knows_are_the_only_ones_that_count(page):
    page.open(signed(), "json")
    known = Evidence(trusted=TrustedKeys(people=frozenset({ANNA.thumbprint})))
    assert page.after(lambda: page.know(known))["decision"] == "allow"
    known = Evidence(trusted=TrustedKeys(people=frozenset({ANNA.thumbprint}), controllers=frozenset({"x"})))
    answer = page.after(lambda: page.know(known))
    assert (answer["decision"], answer["state"]) == ("deny", "untrusted")


def test_a_second_gzip_member_is_refused(page):
    bits = gzip.compress(bytes(MIN_ENTRIES // 8))
    two = resign(make(), {"credentialSubject/encodedList": "u" + b64url_encode(bits * 2)})
    page.open(signed_values(listed_values()), "json")
    answer = page.give([two, both()[1]])
    assert answer["decision"] == "unknown"
    assert "goes on after the end" in answer["reason"]


def test_a_draco_twin_is_left_unknown(page):
    def claim(document: dict[str, Any]) -> None:
        primitive = document["meshes"][0]["primitives"][0]
        primitive["extensions"] = {"KHR_draco_mesh_compression": {"bufferView": 0, "attributes": {}}}

    answer = page.open(edited(plain_twin(), claim))
    assert answer["decision"] == "unknown"
    assert "Draco, which this page cannot read" in answer["reason"]


def test_without_ed25519_nothing_is_valid(page):
    page.browser.execute_script(
        "crypto.subtle.importKey = () => Promise.reject(new Error('no such algorithm'))"
    )
    answer = page.open(twin_to_glb(plain_twin()))
    assert answer["decision"] == "unknown"
    assert "cannot check Ed25519 signatures" in answer["reason"]


def test_a_name_is_never_read_as_markup(page):
    name = "<img src=x onerror=document.title='owned'>"
    page.open(signed_values(changed(subject__pseudonym=name, scope__description=f"</style>{name}")), "json")
    assert name in page.text("#record")
    assert page.browser.execute_script("return document.querySelectorAll('img').length") == 0
    assert "owned" not in page.browser.title


def test_the_page_connects_to_nothing(page):
    page.open(twin_to_glb(textured_twin()))
    assert page.browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    blocked = page.browser.execute_async_script(
        "const done = arguments[0]; document.addEventListener('securitypolicyviolation',"
        " event => done(event.violatedDirective)); fetch('https://example.org/').catch(() => undefined);"
    )
    assert blocked == "connect-src"


def test_an_answer_goes_with_its_file(page):
    page.open(twin_to_glb(plain_twin()))
    page.browser.execute_script(
        "const transfer = new DataTransfer(), file = new File(['x'], 'gone.glb');"
        "File.prototype.arrayBuffer = () => Promise.reject(new Error('gone'));"
        "transfer.items.add(file);"
        "window.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, cancelable: true }));"
    )
    page.wait_for("#working", "gone.glb cannot be read")
    assert page.browser.execute_script("return document.getElementById('answer').hidden") is True


def test_a_file_can_be_dropped(page):
    data = base64.b64encode(twin_to_glb(plain_twin())).decode()
    script = """
    const bytes = Uint8Array.from(atob(arguments[0]), char => char.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], 'dropped.glb'));
    document.getElementById('drop').dispatchEvent(
      new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
    """
    answer = page.after(lambda: page.browser.execute_script(script, data))
    assert answer["decision"] == "allow"
    assert "dropped.glb" in page.text("#verdict")


def test_the_page_is_worked_by_the_keyboard(page):
    from selenium.webdriver.common.keys import Keys

    clicked = "const input = document.getElementById('file'); input.click = () => { window.asked = true; };"
    page.browser.execute_script(clicked)
    body = page.browser.find_element("tag name", "body")
    body.send_keys(Keys.TAB)
    assert page.browser.switch_to.active_element.text == "Skip to the answer"
    page.browser.switch_to.active_element.send_keys(Keys.TAB)
    drop = page.browser.switch_to.active_element
    assert drop.get_attribute("id") == "drop"
    outline = page.browser.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    drop.send_keys(Keys.ENTER)
    assert page.browser.execute_script("return window.asked") is True


def look(page: VerifierPage, dark: bool, width: int) -> None:
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 600}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


CONTRAST = """
const rgb = text => { const c = document.createElement('canvas').getContext('2d'); c.fillStyle = text;
  c.fillRect(0, 0, 1, 1); return [...c.getImageData(0, 0, 1, 1).data]; };
const light = ([r, g, b]) => { const [x, y, z] = [r, g, b].map(v => { v /= 255;
  return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
  return .2126 * x + .7152 * y + .0722 * z; };
const under = element => { for (let e = element; e; e = e.parentElement) {
  const color = rgb(getComputedStyle(e).backgroundColor); if (color[3] > 250) return color; }
  return [255, 255, 255]; };
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || !element.getClientRects().length) continue;
  if (element.closest('option, script, style, datalist, .skip')) continue;
  const [a, b] = [light(rgb(getComputedStyle(element).color)), light(under(element))];
  const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  if (ratio < 4.5) found.push([walker.currentNode.textContent.slice(0, 40), ratio]);
}
return found;
"""


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1280])
def test_all_text_is_legible_and_nothing_sticks_out(page, dark, width):
    look(page, dark, width)
    page.load(NOW)
    try:
        checks = [page.browser.execute_script(CONTRAST)]
        page.open(twin_to_glb(plain_twin()))
        for use in (TRY_ON, replace(TRY_ON, territory="FR"), replace(TRY_ON, territory=None)):
            page.ask(use)
            checks.append(page.browser.execute_script(CONTRAST))
            wide = page.browser.execute_script("return document.documentElement.scrollWidth")
            assert wide <= width
        page.open(moved(plain_twin(), lambda at: at * (1.05, 1, 1.05)))
        checks.append(page.browser.execute_script(CONTRAST))
        assert checks == [[]] * 5
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
