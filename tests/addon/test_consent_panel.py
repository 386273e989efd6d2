"""Consent in sight: the panel, the overlay in the 3D view, and what the panel's buttons do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from addon.conftest import VERSION, _runner
from addon.consented import bound, signed, twin_file
from bodyscan.consent import bind, seal
from bodyscan.consent.content import content_of
from bodyscan.consent.demo import make_demo_consent
from bodyscan.consent.record import Term
from bodyscan.consent.sign import sign_record
from bodyscan.gltf import twin_to_glb
from gltf.complete import checker_textures
from gltf.full_size import full_size_twin
from gltf.shapes import small_twin

Told = dict[str, Any]
AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """All parts of the script in one Blender."""
    folder = tmp_path_factory.mktemp("panel")
    given = sample_files(folder)
    for in_blender in _runner(VERSION, folder):
        yield in_blender("consent_panel", folder=folder, **given)


def sample_files(folder: Path) -> dict[str, Path]:
    """Twins, a renewed record of the first one, and records that are not its own."""
    twin = replace(small_twin(), textures=checker_textures(64))
    ada = twin_file(folder / "twin.glb", body=twin)
    twin_file(folder / "other.glb", "Bob")
    term = Term(not_before=ada.record.term.not_before, not_after=datetime(2090, 1, 1, tzinfo=UTC))
    record = ada.record.model_copy(update={"term": term})
    text = sign_record(record, controller=ada.controller, subject=ada.person)
    about = seal(content_of(twin.rig, twin.morphs, twin.textures))
    renewed = bind(text, about, ada.controller, created_at=AT, software="bodyscan test")
    (folder / "renewed.json").write_text(renewed)
    (folder / "unbound.json").write_text(ada.text)
    (folder / "foreign.json").write_text(bound(signed("Bob"), full_size_twin("t")).consent)
    at = renewed.index('"payload":"') + 60
    letter = "A" if renewed[at] != "A" else "B"
    (folder / "tampered.json").write_text(renewed[:at] + letter + renewed[at + 1 :])
    child = make_demo_consent("Kid", minor=True)
    of_child = bind(child.text, about, child.controller_key, created_at=AT, software="bodyscan test")
    (folder / "child.glb").write_bytes(twin_to_glb(replace(twin, consent=of_child)))
    return {
        "twin": folder / "twin.glb",
        "other": folder / "other.glb",
        "child": folder / "child.glb",
        "renewed": folder / "renewed.json",
        "unbound": folder / "unbound.json",
        "foreign": folder / "foreign.json",
        "tampered": folder / "tampered.json",
    }


def test_the_panel_says_who_for_what_until_when_and_how_it_stands(found: Told) -> None:
    told = found["panel"]
    assert "Nobody in this scene" in told["nobody"]
    for words in (
        "DEMO Ada",
        "allowed",
        "Purposes",
        "make_twin",
        "Territories",
        "worldwide",
        "Until",
        "2125-01-01",
        "Controller",
        "Machine learning",
        "No evidence folder is set",
    ):
        assert words in told["allowed"], words
    assert told["alerts"] == []
    assert "Refused: the consent is not covered" in told["refused"]
    assert "refused" in told["refused alerts"]
    assert "ai.training" in told["refused alerts"]
    assert told["told"][1] == "ai training"


def test_the_panel_offers_what_can_be_done(found: Told) -> None:
    told = found["panel"]
    for name in ("show_consent", "load_consent", "forget_person", "check_consents", "render"):
        assert name in told["operators"]
    assert told["props"] == [
        "purpose",
        "territory",
        "medium",
        "licensee",
        "product_line",
        "bodyscan_reference",
    ]


def test_the_overlay_labels_each_twin_above_its_head(found: Told) -> None:
    told = found["overlay"]
    (ada, ada_ok), (bob, bob_ok) = told["allowed"]
    assert ada_ok
    assert bob_ok
    assert ada[:3] == ["DEMO Ada", "allowed: make twin", "until 2125-01-01"]
    assert bob[0] == "DEMO Bob"
    assert told["above"]
    assert told["hidden"] == ["body"], "What its user hid has no label."
    assert told["handles"] == 0, "Without a window nothing is drawn."


def test_the_overlay_tells_a_refused_twin_with_the_clause(found: Told) -> None:
    for lines, is_allowed in found["overlay"]["refused"]:
        assert not is_allowed
        assert lines[1] == "refused: ai training"
        assert any("(ai.training)" in line for line in lines)
        assert lines[-1] == "withheld"


def test_a_renewed_record_of_the_same_body_is_taken(found: Told) -> None:
    told = found["load"]
    assert told["renewed"].startswith("FINISHED")
    assert told["is renewed"]
    assert told["extras too"]
    assert told["from a twin"].startswith("FINISHED")
    assert told["is own"]


def test_a_record_that_is_not_this_bodys_is_not_taken(found: Told) -> None:
    told = found["load"]
    assert "carries no binding to a body" in told["unbound"]
    assert "It keeps its own record" in told["unbound"]
    assert "does not belong to the body of DEMO Ada" in told["foreign"]
    assert told["tampered"].startswith("Error")
    assert "gone.json" in told["/nowhere/gone.json"]
    assert told["kept"]
    assert "Eve has no twin here" in told["no twin"]


def test_a_withheld_twin_comes_back_with_a_record(found: Told) -> None:
    told = found["load"]
    assert told["lost"][0].startswith("Refused: the consent is stripped")
    assert told["lost"][1]
    assert told["found again"].startswith("FINISHED")
    assert told["shown again"] is False


def test_the_use_is_chosen_as_a_whole_or_not_at_all(found: Told) -> None:
    told = found["use"]
    assert told["done"] == "FINISHED"
    assert told["said"] == ["render", "DE", "web", "Spring"]
    assert "Atlantis" in told["nowhere"]
    assert told["still"] == ["render", "DE", "web"]
    assert told["cleared"][:2] == ["export", ""]
    assert told["cleared"][2] != "web"


def test_checking_again_reports_every_twin(found: Told) -> None:
    told = found["use"]
    assert "DEMO Ada, export. Allowed" in found["output"]
    assert "DEMO Ada, ai training. Refused" in found["output"]
    assert told["check"] == "FINISHED"
    assert told["check nobody"] == "FINISHED"
    assert "There is nobody in this scene." in found["output"]


def test_the_whole_record_can_be_read(found: Told) -> None:
    assert found["read"]["done"] == "FINISHED"
    assert "subject signature" in found["output"]
    assert "bound to" in found["output"]
    assert "There is nobody in this scene" in found["read"]["nobody"]


def test_a_person_who_is_forgotten_leaves_nothing_in_the_file(found: Told) -> None:
    told = found["forget"]
    assert "Not saved." in told["refused"]
    assert told["done"].startswith("FINISHED")
    assert told["left"] == ["DEMO Bob"]
    assert all(after < before for before, after in told["halved"].values())
    assert told["folder kept"]
    assert set(told["nothing"].values()) == {0}
    assert told["saved"] == "FINISHED"
    assert told["traces"] == []
    assert "there is nobody" in told["nobody"].lower()
    assert "The working folder" in found["output"]


def test_a_twin_that_is_nobodys_is_judged_and_can_be_forgotten(found: Told) -> None:
    told = found["stranger"]
    assert told["before"] == []
    assert told["verdict"].startswith("Allowed")
    assert told["drawn"]
    assert told["done"] == "FINISHED"
    assert told["objects"] == []


def test_the_panel_shows_no_name_of_a_guardian(found: Told) -> None:
    told = found["guardian"]
    assert "DEMO Kid" in told["panel"]
    assert "guardian of" not in told["panel"]
    assert "Who" in told["rows"]
