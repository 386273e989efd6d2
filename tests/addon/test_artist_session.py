"""An artist's session: from a scan to a twin that smiles in a marked picture; and after the consent ended."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from addon.blenders import OWN, ROOT
from addon.conftest import _runner
from bodyscan.consent import Purpose, Use, open_consent, verify_content
from bodyscan.consent.key_files import load_private_key
from bodyscan.consent.withdrawal import WithdrawalAction, withdraw
from bodyscan.gltf.read_content import read_content
from bodyscan.ledger import Ledger
from bodyscan.mark import detect_file, names_of_consent

pytestmark = pytest.mark.slow
SAMPLES = ROOT / "sample_scans"
CONSENT = SAMPLES / "woman.consent.json"


@pytest.fixture(scope="module", params=[OWN, pytest.param("5.0", marks=pytest.mark.long)])
def day(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, Any]]:
    """The folder of the session, and what the script saw in Blender."""
    folder = tmp_path_factory.mktemp("artist")
    home, evidence = folder / "home", folder / "evidence"
    home.mkdir()
    (evidence / "withdrawals").mkdir(parents=True)
    key = load_private_key(SAMPLES / "demo_keys" / "demo_woman.jwk", None)
    record = open_consent(CONSENT.read_text()).record
    statement = withdraw(record, WithdrawalAction.REVOKE, key, 1, datetime.now(UTC).replace(microsecond=0))
    (evidence / "withdrawals" / "woman.json").write_text(statement)
    for in_blender in _runner(request.param, folder):
        yield (
            home,
            in_blender(
                "artist_session",
                home=str(home),
                scan=str(SAMPLES / "woman.obj"),
                consent=str(CONSENT),
                evidence=str(evidence),
                programs=str(Path(sys.executable).parent),
            ),
        )


def test_the_twin_is_made_and_smiles(day: tuple[Path, Any]) -> None:
    found = day[1]["session"]
    assert found["said"] == {}
    assert found["placed"] == ["left_wrist"]
    assert found["first fit is kept"]
    assert {"scan", "surface", "landmark", "twin", "armature", "collision"} <= set(found["roles"])
    assert found["bones"] >= 52
    assert {"mouthSmileLeft", "mouthSmileRight"} <= set(found["smile"])
    assert found["saved"]


def test_the_picture_says_whom_it_shows_and_that_it_is_synthetic(day: tuple[Path, Any]) -> None:
    home = day[0]
    text, _ = read_content((home / "twin.glb").read_bytes())
    assert text is not None
    mark = detect_file(home / "smile.png", names_of_consent(text, "twin.glb"))
    assert mark.agreement == "agree"
    assert mark.name is not None
    assert mark.name.subject_pseudonym == "DEMO woman"
    assert mark.info is not None
    assert mark.info.purpose == "render"


def test_the_exported_twin_verifies(day: tuple[Path, Any]) -> None:
    text, content = read_content((day[0] / "twin.glb").read_bytes())
    status = verify_content(text, content, now=datetime.now(UTC), use=Use(Purpose.MAKE_TWIN))
    assert status.ok, status.reason
    assert status.geometry == "exact"


def test_every_use_is_in_the_ledger(day: tuple[Path, Any]) -> None:
    with Ledger.open(day[0] / "ledger.sqlite", create=False) as book:
        kinds = [json.loads(entry.body)["kind"] for entry in book.entries()]
    assert kinds == ["twin", "render", "export"]


def test_after_the_consent_ended_every_door_is_shut(day: tuple[Path, Any]) -> None:
    found = day[1]["refused"]
    said = found["said"]
    # Blender itself words the failure of a save; the clause is told beside it.
    assert "Cannot open file" in said.pop("save")
    assert "Not saved. DEMO woman" in day[1]["output"]
    for door, words in said.items():
        assert "revoked" in words or "took it back" in words, (door, words)
    assert set(said) == {"render", "export", "fit", "rig", "import"}
    assert found["appeared"] == []
    assert found["new people"] == 0
