"""All steps of a real scan through the command: fitted, corrected, textured, made, exported, refused."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bodyscan.consent import Purpose, Use, verify_content
from bodyscan.gltf.container import unpack_glb
from bodyscan.gltf.read_content import read_content
from bodyscan.ledger import Ledger
from bodyscan.steps.folder import WorkFolder

SAMPLES = Path(__file__).resolve().parents[2] / "sample_scans"
SAME_MM = 3.0


class Command:
    """`bodyscan steps`, asked one thing after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stages: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bodyscan", "steps"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._line()["event"] == "ready"

    def ask(self, step: str, **fields: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        request = {"id": step, "step": step, "folder": str(self.folder), **fields}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        self.stages = []
        while (event := self._line())["event"] == "stage":
            if event["state"] == "done":
                self.stages.append(event["stage"])
        return event

    def close(self) -> int:
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._process.wait(timeout=60)

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    command = Command(tmp_path_factory.mktemp("work") / "woman")
    yield command
    assert command.close() == 0


@pytest.fixture(scope="module")
def fitted(command: Command) -> WorkFolder:
    """Scan and fit of the sample woman."""
    done = command.ask(
        "scan", capture=str(SAMPLES / "woman.obj"), consent=str(SAMPLES / "woman.consent.json")
    )
    assert done["event"] == "done", done
    assert command.stages == ["read", "reconstruct"]
    assert (done["values"]["unit"], done["values"]["facing"]) == ("cm", "+z")
    done = command.ask("fit")
    assert done["event"] == "done", done
    assert done["values"]["quality"]["acceptable"]
    return WorkFolder(command.folder)


@pytest.mark.slow
def test_a_twin_is_made_corrected_and_handed_over(
    command: Command, fitted: WorkFolder, tmp_path: Path
) -> None:
    joints, scan = fitted.fit().skeleton, fitted.scan()
    first = fitted.state()["fit"].result
    assert scan.landmarks is not None
    share = np.zeros(len(scan.mesh.vertices), np.float32)
    share[scan.mesh.vertices[:, 1] > 1.5] = 1
    np.save(tmp_path / "head.npy", share)
    wrist = joints.positions[joints.joint_names.index("leftHand")]
    done = command.ask(
        "fit",
        start="earlier",
        placed={"left_wrist": wrist.tolist()},
        pinned=["right_hand"],
        ignored=["right_wrist"],
        untrusted=str(tmp_path / "head.npy"),
    )
    assert done["event"] == "done", done
    assert done["values"]["untrusted"] == pytest.approx(float(share.mean()))
    assert done["values"]["ignored"] == ["right_wrist"]
    both = command.ask("fit", start="earlier", placed={"nose": [0, 1.6, 0.1]}, ignored=["nose"])
    assert "say one of the two" in both["message"]
    again = fitted.fit().skeleton.positions
    assert 1e3 * np.linalg.norm(again - joints.positions, axis=1).mean() < SAME_MM
    assert fitted.results("fit")[0] == first

    assert command.ask("texture", size=1024)["values"]["seen_share"] > 0.5
    ledger = str(tmp_path / "ledger.sqlite")
    stale = fitted.state()["twin"].state
    assert stale == "absent"
    told = command.ask("twin", pose="t", ledger=ledger)
    assert told["event"] == "done", told
    assert [state.state for state in fitted.state().values()] == ["done"] * 4

    copy = tmp_path / "copy.glb"
    told = command.ask("export", output=str(copy), ledger=ledger)
    assert told["values"]["geometry"] == "exact"
    text, content = read_content(copy.read_bytes())
    status = verify_content(text, content, now=datetime.now(UTC), use=Use(Purpose.MAKE_TWIN))
    assert status.ok, status.reason
    with Ledger.open(Path(ledger), create=False) as book:
        kinds = [json.loads(entry.body)["kind"] for entry in book.entries()]
    assert kinds == ["twin", "export"]

    avatar = tmp_path / "avatar.vrm"
    told = command.ask("export", output=str(avatar), target="vrm", ledger=ledger)
    assert told["event"] == "done", told
    assert (told["values"]["pose"], told["values"]["joints"]) == ("t", 55)
    assert "VRMC_vrm" in unpack_glb(avatar.read_bytes())[0]["extensionsUsed"]
    assert [path.name for path in tmp_path.glob("avatar*")] == ["avatar.vrm"]
    status = verify_content(
        *read_content(avatar.read_bytes()), now=datetime.now(UTC), use=Use(Purpose.EXPORT)
    )
    assert (status.ok, str(status.geometry)) == (True, "exact"), status.reason
    wrong = command.ask("export", output=str(tmp_path / "avatar.glb"), target="vrm", ledger=ledger)
    assert "must end in .vrm" in wrong["message"]
    with Ledger.open(Path(ledger), create=False) as book:
        kinds = [json.loads(entry.body)["kind"] for entry in book.entries()]
    assert kinds == ["twin", "export", "export"]

    fitted.choose("fit", first)
    refused = command.ask("export", output=str(tmp_path / "old.glb"), ledger=ledger)
    assert "out of date" in refused["message"]
    assert not (tmp_path / "old.glb").exists()


def tampered(text: str) -> str:
    """One letter of the signed part is another one."""
    place = text.index('"payload"') + 40
    return text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]


@pytest.mark.slow
def test_no_step_is_done_without_consent(command: Command, fitted: WorkFolder, tmp_path: Path) -> None:
    text = fitted.consent()
    before = fitted.results("fit")
    try:
        for step, damaged in (("fit", ""), ("texture", "{}"), ("twin", tampered(text))):
            fitted.put_consent(damaged)
            refused = command.ask(step)
            assert (refused["event"], refused["kind"]) == ("error", "consent"), refused
        other = tmp_path / "other"
        refused = command.ask(
            "scan", folder=str(other), capture=str(SAMPLES / "woman.obj"), consent=str(tmp_path / "none.json")
        )
        assert refused["kind"] == "input"
        assert not other.exists()
    finally:
        fitted.put_consent(text)
    refused = command.ask("twin", use={"purpose": "ai_training"})
    assert refused["kind"] == "consent", refused
    assert fitted.results("fit") == before
