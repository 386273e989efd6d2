"""The work of one scan, inside its own process: inputs to files in the attempt's folder, and what to tell.

Nothing here reaches the ledger or the files' last place: that is `publish.py`, after another look at the
consent.
"""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bodyscan.batch.job_errors import job_error
from bodyscan.batch.options import BLENDER_FORMATS
from bodyscan.batch.storage import digest_of, fetch, is_address, open_store, stamp_of
from bodyscan.batch.task import MADE, Task
from bodyscan.consent import Evidence, Purpose, Use, verify_content
from bodyscan.consent.verify import record_or_raise
from bodyscan.errors import ConsentError, InputError
from bodyscan.files import write_all
from bodyscan.run.progress import Recorder
from bodyscan.run.text_files import read_text

Event = dict[str, Any]
PRELOADED = (
    "bodyscan.run.twin",
    "bodyscan.run.preview",
    "bodyscan.capture",
    "bodyscan.capture.depth",
    "bodyscan.pipeline.depth",
    "bodyscan.gltf.export",
    "bodyscan.render",
    "open3d",
    "mediapipe",
    "trimesh",
    "scipy.optimize",
    "scipy.sparse.linalg",
    "scipy.spatial",
    "scipy.ndimage",
)
"""What the host imports before its first scan."""


def warm(values: Mapping[str, Any]) -> None:
    """Work out in the host what every scan with these options needs again: its forks then have it.

    Where the texels of the body's texture lie is the same for all people: 2.3 s of a scan's 20. Children's
    scans, which have another body, work theirs out themselves.
    """
    task = Task.of(values)
    if "glb" not in task.formats:
        return
    from bodyscan.body.asset import load_body_model
    from bodyscan.run.options import load_options
    from bodyscan.texture import prepare_texels

    options = load_options(None, task.options).pipeline
    if options.bake_textures and options.surface != "scan":
        body = "adult" if options.fit.body == "auto" else options.fit.body
        prepare_texels(load_body_model(body), options.texture.size)


def work(values: Mapping[str, Any], say: Callable[[Event], None]) -> None:
    """Make a scan's files; `say` gets events: `stage` as stages come and go, and one `result` at the end.

    `values`: those of a `Task`, and `folder`: where to work; the files that are to be kept lie in its
    folder `made`. An error is a result too: `{"error": {"kind", "message"}}`.
    """
    task, folder = Task.of(values), Path(values["folder"])
    made = folder / MADE
    made.mkdir(parents=True, exist_ok=True)
    files = _Files(made)
    stages = _Stages(say)
    answer: dict[str, Any] = {"event": "result", "error": None}
    try:
        if "glb" in task.formats:
            answer |= _twin(task, folder, files, stages, answer)
        if wanted := [name for name in task.formats if name in BLENDER_FORMATS]:
            _convert(task, folder, wanted, files, stages)
    except Exception as error:
        traceback.print_exc()  # into the attempt's log
        answer["error"] = asdict(job_error(error))
    answer["files"] = files.listed()
    answer["stages"] = [asdict(stage) for stage in stages.recorder.finished]
    say(answer)


class _Stages:
    """Tells of stages, with how many there are."""

    def __init__(self, say: Callable[[Event], None]) -> None:
        self.recorder = Recorder(self._tell)
        self._say = say

    def _tell(self, event: Any) -> None:
        done = len(self.recorder.finished)
        total = max(self.recorder.total, done + (event.state == "start"))
        self._say(
            {"event": "stage", "name": event.stage, "state": event.state, "seconds": event.seconds}
            | {"done": done, "total": total}
        )


class _Files:
    """The files that were made, each with its kind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kinds: dict[Path, str] = {}

    def write(self, contents: Mapping[Path, bytes]) -> None:
        """Write files into the folder; their kinds may be said later."""
        write_all(contents)
        for path in contents:
            self.kinds.setdefault(path, "report" if path.suffix == ".html" else path.suffix[1:])

    def listed(self) -> list[dict[str, Any]]:
        """Return name, kind, digest and size of each, in the order in which they were made."""
        found = []
        for path, kind in self.kinds.items():
            if path.is_file():
                data = path.read_bytes()
                name = path.relative_to(self.folder).as_posix()
                digest = hashlib.sha256(data).hexdigest()
                found.append({"name": name, "kind": kind, "sha256": digest, "size_bytes": len(data)})
        return found


def _twin(task: Task, folder: Path, files: _Files, stages: _Stages, answer: dict[str, Any]) -> dict[str, Any]:
    """Make the twin, what else is made of its fit, and its picture; `answer` gets the inputs' digests."""
    from bodyscan.run.twin import TwinJob, run_twin

    made, inputs = folder / MADE, folder / "inputs"
    inputs.mkdir(exist_ok=True)

    def local(place: str, name: str) -> Path:
        (inputs / name).mkdir(exist_ok=True)
        return fetch(place, inputs / name)

    with stages.recorder.stage("fetch"):
        places = [task.capture, *([task.photos] if task.photos else []), *task.expressions.values()]
        answer["inputs"] = {place: (stamp_of(place), digest_of(place)) for place in dict.fromkeys(places)}
        consent = _consent_file(task, inputs)
        job = TwinJob(
            scan=local(task.capture, "capture"),
            consent=consent,
            output=made / f"{task.id}.glb",
            report=made / "report" if task.report else None,
            controller_key=Path(task.controller_key) if task.controller_key else None,
            passphrase_file=Path(task.passphrase_file) if task.passphrase_file else None,
            config=None,
            use=_use(task),
            now=datetime.now(UTC),
            evidence=Path(task.evidence) if task.evidence else None,
            photos=local(task.photos, "photos") if task.photos else None,
            expressions={
                name: local(place, f"expression.{name}") for name, place in task.expressions.items()
            },
            flags=dict(task.options),
            preview=made / f"{task.id}.png",
            also={"vrm": made / f"{task.id}.vrm"} if "vrm" in task.formats else {},
        )
    converted = any(name in BLENDER_FORMATS for name in task.formats)
    stages.recorder.expect_more(1 + len(job.stages) + converted)
    done = run_twin(job, stages.recorder, write=files.write)
    files.kinds.update(done.kinds)
    values = done.values
    return {
        "text": done.result.twin.consent,
        "twin_id": done.twin_id,
        **{name: values[name] for name in ("quality", "measurements_cm", "warnings")},
    }


def _convert(task: Task, folder: Path, wanted: list[str], files: _Files, stages: _Stages) -> None:
    """Make the formats of Blender from the twin's GLB."""
    from bodyscan.convert import convert_twin

    twin = folder / MADE / f"{task.id}.glb"
    if "glb" not in task.formats:
        stages.recorder.expect_more(2)
        with stages.recorder.stage("fetch"):
            twin = folder / "twin.glb"
            open_store(task.out).get(task.twin, twin)
            _check(task, twin.read_bytes())
    with stages.recorder.stage("formats") as remarks:
        outputs = {name: folder / MADE / f"{task.id}.{name}" for name in wanted}
        convert_twin(twin, outputs, timeout_s=task.time_limit_s)
        remarks.append(", ".join(wanted))
    files.kinds.update({path: name for name, path in outputs.items()})


def _check(task: Task, data: bytes) -> None:
    """Check a twin that was made earlier: it is the one that was, and its consent holds for it."""
    from bodyscan.gltf.read_content import read_content
    from bodyscan.run.evidence import read_evidence

    if hashlib.sha256(data).hexdigest() != task.twin_sha256:
        raise InputError(
            f"{task.twin} is not the twin any more that this batch made. Put it back, or delete it and run "
            "the same command again: it is then made anew."
        )
    now = datetime.now(UTC)
    known: Evidence = read_evidence(Path(task.evidence) if task.evidence else None, now=now)
    text, content = read_content(data)
    record_or_raise(verify_content(text, content, now=now, use=_use(task), evidence=known))


def _use(task: Task) -> Use:
    from bodyscan.consent import Medium

    return Use(Purpose(task.purpose), task.territory, Medium(task.medium) if task.medium else None)


def _consent_file(task: Task, inputs: Path) -> Path:
    """The record as a file: where it lies, so that keys are found beside it; fetched where it is remote."""
    if not is_address(task.consent):
        path = Path(task.consent)
        if read_text(path) != task.text:
            raise ConsentError(f"The record {path.name} was changed since it was checked; run again.")
        return path
    path = inputs / "consent.json"
    path.write_text(task.text, encoding="utf-8")
    return path
