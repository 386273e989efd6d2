"""The contact sheet of a batch in a real browser, opened from a file."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from batch.jobs import FAILURES, a_night, done, failed, refused, summary_of, waiting
from bodyscan.batch.contact_sheet import contact_sheet
from bodyscan.batch.job import ErrorKind, Job, JobError

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STATURES = {"anna": 171.0, "ben": 183.5, "cem": 164.2}
JOBS = [
    *(
        done(name, place, measurements_cm={"stature": cm})
        for place, (name, cm) in enumerate(STATURES.items())
    ),
    failed("dora", 3, FAILURES[1]),
    refused("emil", 4),
    waiting("finn", 5),
    failed("<script>window.hit=1</script>", 6, JobError(ErrorKind.BUG, '"><img src=x onerror=window.hit=1>')),
]
FIRST = ["dora", "<script>window.hit=1</script>", "emil", "finn", "anna", "ben", "cem"]


def write(folder: Path, jobs: list[Job]) -> str:
    """Write the page with its pictures, and return its address."""
    pictures = {job.id: f"{job.id}/picture.png" for job in jobs if job.id in STATURES or len(jobs) > 100}
    for place in pictures.values():
        if len(jobs) < 100:
            data = io.BytesIO()
            Image.new("RGB", (480, 640), "slategray").save(data, "PNG")
            (folder / place).parent.mkdir()
            (folder / place).write_bytes(data.getvalue())
    page = contact_sheet(jobs, summary_of(jobs), title="Night", date="4 May 2026", pictures=pictures)
    (folder / "index.html").write_text(page, encoding="utf-8")
    return (folder / "index.html").as_uri()


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> str:
    return write(tmp_path_factory.mktemp("sheet"), JOBS)


@pytest.fixture
def page(browser, address):
    browser.set_window_size(1280, 900)
    browser.get_log("browser")
    browser.get(address)
    yield browser
    assert browser.execute_script("return window.hit") is None
    assert browser.get_log("browser") == []
    asked = browser.execute_script("return performance.getEntriesByType('resource').map((e) => e.name)")
    assert all(name.startswith("file:") for name in asked)


def shown(page) -> list[str]:
    """The ids of the scans that are in sight, in their order."""
    return page.execute_script(
        "return [...document.querySelectorAll('#scans tbody tr')].filter((row) => row.offsetParent)"
        ".map((row) => row.querySelector('b').textContent)"
    )


def find(page, place: str):
    from selenium.webdriver.common.by import By

    return page.find_element(By.CSS_SELECTOR, place)


def wait_for(page, ids: list[str]) -> None:
    """Wait until these are shown; finding waits a moment for the next key."""
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(page, 10).until(lambda p: shown(p) == ids, message=f"shown: {shown(page)}")


def test_the_pictures_are_loaded_and_the_order_is_the_pages(page):
    from selenium.webdriver.support.ui import WebDriverWait

    assert shown(page) == FIRST
    # They are loaded as they come into sight.
    width = "return document.images[arguments[0]].naturalWidth"
    for i in range(3):
        page.execute_script("document.images[arguments[0]].scrollIntoView()", i)
        WebDriverWait(page, 10).until(lambda p, i=i: p.execute_script(width, i) == 480)


def test_a_column_sorts_up_then_down_then_not_at_all(page):
    find(page, "label:has(#as-table)").click()
    head = find(page, "#scans th[data-c='6']")
    assert head.text.split() == ["Stature", "cm"]
    button = find(page, "#scans th[data-c='6'] button")
    button.click()
    without = ["dora", "<script>window.hit=1</script>", "emil", "finn"]
    assert shown(page) == ["cem", "anna", "ben", *without]
    assert head.get_attribute("aria-sort") == "ascending"
    button.click()
    assert shown(page) == ["ben", "anna", "cem", *without]
    assert head.get_attribute("aria-sort") == "descending"
    assert find(page, "#sort").get_attribute("value") == "6"
    button.click()
    assert shown(page) == FIRST
    assert head.get_attribute("aria-sort") is None


def test_cards_are_sorted_by_a_list_and_turned_by_a_button(page):
    from selenium.webdriver.support.ui import Select

    assert not find(page, "#turn").is_enabled()
    Select(find(page, "#sort")).select_by_visible_text("Scan")
    assert shown(page) == ["<script>window.hit=1</script>", "anna", "ben", "cem", "dora", "emil", "finn"]
    find(page, "#turn").click()
    assert shown(page)[0] == "finn"
    assert find(page, "#turn").get_attribute("aria-label") == "Largest first; turn around"


def test_text_and_state_filter_together(page):
    from selenium.webdriver.common.keys import Keys

    find(page, "#find").send_keys("WIDE clothes")
    wait_for(page, ["dora"])
    assert find(page, "#shown").text == "1 of 7 shown"
    find(page, "label:has([value=done])").click()
    assert shown(page) == []
    find(page, "#find").send_keys(Keys.CONTROL, "a")
    find(page, "#find").send_keys(Keys.DELETE)
    wait_for(page, ["anna", "ben", "cem"])
    find(page, "label:has([name=group][value=''])").click()
    assert shown(page) == FIRST
    assert find(page, "#shown").text == "7 shown"


def test_everything_is_reached_by_keyboard(page):
    from selenium.webdriver.common.keys import Keys

    active = page.switch_to.active_element
    active.send_keys(Keys.TAB)
    assert page.switch_to.active_element.get_attribute("id") == "as-cards"
    page.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    assert find(page, "#as-table").is_selected()
    page.switch_to.active_element.send_keys(Keys.TAB)
    page.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    assert shown(page) == FIRST[:2]
    for _ in range(4):
        page.switch_to.active_element.send_keys(Keys.TAB)
        if page.switch_to.active_element.tag_name == "button":
            break
    assert page.switch_to.active_element.text.startswith("Scan")
    page.switch_to.active_element.send_keys(Keys.ENTER)
    assert shown(page) == ["<script>window.hit=1</script>", "dora"]


@pytest.mark.parametrize("view", ["as-cards", "as-table"])
@pytest.mark.parametrize("width", [360, 800, 1280])
def test_the_page_is_never_wider_than_the_window(page, view, width):
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        find(page, f"label:has(#{view})").click()
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_without_scripts_it_is_a_list_with_both_views(page, address):
    page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page.get(address)
        page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
        assert shown(page) == FIRST
        assert not find(page, "#find").is_displayed()
        assert not find(page, "thead").is_displayed()
        find(page, "label:has(#as-table)").click()
        assert find(page, "thead").is_displayed()
    finally:
        page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_the_log_would_tell_of_what_the_policy_stops(browser, address):
    browser.get(address)
    browser.execute_script("document.images[0].src = 'https://127.0.0.1:9/x.png'")
    browser.execute_script("document.images[0].loading = 'eager'")
    told = " ".join(entry["message"] for entry in browser.get_log("browser"))
    assert "Content Security Policy" in told


def test_5000_scans_are_sorted_and_filtered_without_a_wait(browser, tmp_path):
    browser.set_window_size(1280, 900)
    browser.get(write(tmp_path, a_night(5000)))
    took = browser.execute_async_script(
        "const [done] = arguments, start = performance.now(), select = document.querySelector('#sort');"
        "select.value = '3'; select.dispatchEvent(new Event('change'));"
        "document.querySelector('[name=group][value=done]').click();"
        "document.body.getBoundingClientRect();"
        "requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)))"
    )
    assert len(shown(browser)) > 4000
    assert took < 5000  # a tenth of that on an idle machine; laying out every row took over ten seconds
