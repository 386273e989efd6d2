"""The working folder of a person: the consent, and each step's results, of which one is current.

    consent.json            the signed record, as it was given
    state.json              which result of each step is current
    results/fit-1f3a.../    one folder a result: result.json and its arrays; it appears complete or not at all

A result is never changed. A step that is run again adds one, and the earlier ones stay (`KEPT` of them), so
that a front end can go back. A result says which result it was made of: where that one is not current any
more, it is out of date. The folder holds a person's body: it is readable by its owner alone.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bodyscan.errors import ConsentError, InputError
from bodyscan.files import new_folder, write_atomic
from bodyscan.steps.arrays import read_arrays, read_fit, read_scan, read_textures
from bodyscan.steps.names import MADE_OF, STEPS
from bodyscan.types import BodyFit, ScanMesh, SkinTextures

FORMAT = 1
KEPT = 8
"""Results of one step that are kept, the current one among them."""
STATE, CONSENT, RESULT = "state.json", "consent.json", "result.json"


@dataclass(frozen=True)
class StepState:
    """How far a step is."""

    state: str
    """`absent`, `done`, or `stale`: what it was made of is not current any more."""
    result: str = ""
    """Name of the current result, for example `fit-1f3a09c2`."""
    made_of: str = ""
    """Name of the result that it was made of."""
    summary: str = ""
    """What came of it, in one sentence."""
    warnings: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    """For machines."""


class WorkFolder:
    """A person's working folder. Reads nothing before it is asked."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @classmethod
    def create(cls, path: str | Path) -> WorkFolder:
        """Make an empty working folder, or open one that is there.

        Raises `InputError` where the folder holds other files, or cannot be made.
        """
        folder = cls(path)
        if (folder.path / STATE).is_file():
            return folder
        try:
            folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            others = [p.name for p in folder.path.iterdir() if not p.name.startswith(".")]
            if others:
                raise InputError(
                    f"{folder.path} holds other files ({others[0]}); give an empty folder for the work."
                )
            folder.path.chmod(0o700)
        except OSError as error:
            raise InputError(f"{folder.path} cannot be made: {error.strerror}.") from error
        folder._write_state({})
        return folder

    def state(self) -> dict[str, StepState]:
        """Return how far each step is, in their order. Raises `InputError` for a folder that is none."""
        current = self._current()
        found: dict[str, StepState] = {}
        for step in STEPS:
            name = current.get(step, "")
            if not name:
                found[step] = StepState("absent")
                continue
            told = self._told(name)
            made_of = str(told.get("made_of", ""))
            before = self.source_of(step, found)
            # A twin without textures is out of date once there are textures of its fit.
            fresh = not MADE_OF[step] or (before is not None and before.result == made_of)
            found[step] = StepState(
                "done" if fresh else "stale",
                name,
                made_of,
                str(told.get("summary", "")),
                tuple(told.get("warnings", ())),
                told.get("values", {}),
            )
        return found

    @staticmethod
    def source_of(step: str, states: Mapping[str, StepState]) -> StepState | None:
        """Return the state of the step whose result `step` takes, or None where none is done."""
        done = (states[before] for before in MADE_OF[step] if before in states)
        return next((state for state in done if state.state == "done"), None)

    def consent(self) -> str:
        """Return the record's text. Raises `ConsentError` where there is none."""
        try:
            return (self.path / CONSENT).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            raise ConsentError(
                f"The working folder {self.path} holds no readable consent; import the scan again with its "
                "record."
            ) from None

    def put_consent(self, text: str) -> None:
        """Write the record's text. Whether it is this person's is the caller's to check."""
        write_atomic(self.path / CONSENT, text.encode())

    def told(self, step: str) -> dict[str, Any]:
        """Return what a step's current result says of itself. Raises `InputError` where there is none."""
        return self._told(self._name(step))

    def file(self, step: str, name: str) -> Path:
        """Return the path of a file of a step's current result. Raises `InputError` where there is none."""
        return self.path / "results" / self._name(step) / name

    def scan(self) -> ScanMesh:
        """Read the cleaned scan, world frame. Raises `InputError` where it is missing or damaged."""
        return read_scan(self.file("scan", "scan.npz"))

    def fit(self) -> BodyFit:
        """Read the fit. Raises `InputError` where it is missing or damaged."""
        return read_fit(self.file("fit", "fit.npz"))

    def untrusted(self) -> np.ndarray | None:
        """Read (V,) float32, 0..1, what the fit did not trust of the scan; None where it trusted all.

        Raises `InputError` where there is no fit, or the file is damaged.
        """
        path = self.file("fit", "untrusted.npz")
        return read_arrays(path)[0]["share"] if path.exists() else None

    def textures(self) -> SkinTextures | None:
        """Read the textures; None where the step is absent or the scan shows no colour."""
        if "texture" not in self._current():
            return None
        path = self.file("texture", "textures.npz")
        return read_textures(path) if path.exists() else None

    @property
    def twin_path(self) -> Path:
        """The twin's GLB; its levels and collision body lie beside it. `InputError` where there is none."""
        return self.file("twin", "twin.glb")

    def results(self, step: str) -> tuple[str, ...]:
        """Return the names of a step's results that are kept, the oldest first."""
        found = list((self.path / "results").glob(f"{step}-*/{RESULT}"))
        found.sort(key=lambda path: (path.stat().st_mtime_ns, path.parent.name))
        return tuple(path.parent.name for path in found)

    def choose(self, step: str, result: str | None) -> None:
        """Make another result of a step current, or none of them. Raises `InputError` for an unknown one."""
        current = self._current()
        if result is None:
            current.pop(step, None)
        elif result in self.results(step):
            current[step] = result
        else:
            raise InputError(f"The working folder has no result {result} of the step {step} any more.")
        self._write_state(current)

    def keep(
        self, step: str, told: Mapping[str, Any], made_of: str, write: Callable[[Path], None]
    ) -> StepState:
        """Add a result and make it current; `write` puts its files into the folder that it is given.

        Nothing is left, and the state is as it was, where that fails. Raises `InputError` where the folder
        cannot be written.
        """
        name = f"{step}-{secrets.token_hex(6)}"
        results = self.path / "results"
        try:
            results.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise InputError(f"{results} cannot be made: {error.strerror}.") from error
        with new_folder(results / name) as hidden:
            write(hidden)
            (hidden / RESULT).write_text(json.dumps({**told, "made_of": made_of}, indent=1))
        self._write_state({**self._current(), step: name})
        self._tidy()
        return self.state()[step]

    def forget(self) -> None:
        """Delete the folder and all in it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _name(self, step: str) -> str:
        name = self._current().get(step)
        if not name:
            raise InputError(f"The step '{step}' was not run yet in {self.path}.")
        return name

    def _current(self) -> dict[str, str]:
        try:
            state = json.loads((self.path / STATE).read_text("utf-8"))
            if state["format"] != FORMAT:
                raise InputError(
                    f"{self.path} was made by another version of bodyscan (format {state['format']}; this "
                    f"one reads {FORMAT}); import the scan again."
                )
            return {step: str(name) for step, name in state["current"].items() if step in STEPS}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise InputError(
                f"{self.path} is no working folder, or its {STATE} is damaged; import the scan again."
            ) from None

    def _told(self, name: str) -> dict[str, Any]:
        try:
            told = json.loads((self.path / "results" / name / RESULT).read_text("utf-8"))
        except (OSError, ValueError):
            raise InputError(
                f"The result {name} in {self.path} is missing or damaged; run its step again."
            ) from None
        return told if isinstance(told, dict) else {}

    def _write_state(self, current: Mapping[str, str]) -> None:
        text = json.dumps({"format": FORMAT, "current": dict(current)}, indent=1)
        write_atomic(self.path / STATE, text.encode())

    def _tidy(self) -> None:
        """Delete the oldest results, and what a killed run left behind."""
        current = set(self._current().values())
        for step in STEPS:
            old = [name for name in self.results(step) if name not in current]
            for name in old[: max(0, len(old) - (KEPT - 1))]:
                shutil.rmtree(self.path / "results" / name, ignore_errors=True)
        for left in self._left_behind():
            shutil.rmtree(left, ignore_errors=True)

    def _left_behind(self) -> Iterator[Path]:
        return (path for path in (self.path / "results").glob(".*.tmp") if path.is_dir())
