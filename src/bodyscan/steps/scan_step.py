"""The step `scan`: a capture read, cleaned and brought into the world frame."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from bodyscan.errors import InputError
from bodyscan.pipeline import OnStage
from bodyscan.pipeline.fitted import reconstructed
from bodyscan.run.consent import refuse_twin
from bodyscan.run.progress import Recorder
from bodyscan.run.scan import as_scan, input_words, read_input, with_photos
from bodyscan.steps.arrays import scan_arrays, write_arrays
from bodyscan.steps.folder import StepState
from bodyscan.steps.request import ScanRequest
from bodyscan.steps.session import kept, open_session, options_of
from bodyscan.types import ScanMesh


def run_scan(request: ScanRequest, now: datetime, on_stage: OnStage) -> StepState:
    """Read and clean a capture, into a working folder that is made for it.

    Raises `ConsentError` before the capture is read where the record does not cover the use; `InputError`
    for what cannot be read or is no whole person; then as `depth_to_scan`.
    """
    capture = Path(request.capture)
    if not capture.exists():
        raise InputError(f"There is no file or folder {capture}. Give the path of a scan.")
    session = open_session(request, now, on_stage, consent=Path(request.consent))
    refuse_twin(capture, "it cannot be put under another. Open the twin itself.")
    options = options_of(
        request.config, {"scan": {"unit": request.unit, "up": request.up, "facing": request.facing}}
    )
    progress = Recorder(on_stage)
    with progress.stage("read") as remarks:
        found = read_input(capture, options)
        if request.photos:
            found = with_photos(found, Path(request.photos))
        remarks.append(input_words(found))
    scanned = as_scan(found, options, progress)
    stages = session.stages(list(scanned.steps))
    scan = reconstructed(scanned.capture, options.pipeline, stages)
    session.folder.put_consent(session.consent)

    def write(place: Path) -> None:
        write_arrays(place / "scan.npz", *scan_arrays(scan))

    return kept(
        session,
        "scan",
        "",
        write,
        summary=_summary(scan),
        warnings=_warnings(scan),
        values={
            "source": scanned.capture.source,
            "consent_file": str(Path(request.consent).absolute()),
            "vertices": len(scan.mesh.vertices),
            "faces": len(scan.mesh.faces),
            "unit": scan.unit,
            "up": scan.up,
            "facing": scan.facing,
            "inferred": list(scan.inferred),
            "notes": list(scan.notes),
            "landmarks": 0 if scan.landmarks is None else len(scan.landmarks.names),
        },
        steps=tuple(stages.steps),
        options=options.pipeline,
    )


def _summary(scan: ScanMesh) -> str:
    mesh = scan.mesh
    what = f"{len(mesh.vertices):,} points" if mesh.is_cloud else f"{len(mesh.faces):,} faces"
    height = mesh.vertices[:, 1].max() - mesh.vertices[:, 1].min()
    return f"{what}, {100 * height:.0f} cm tall, unit {scan.unit}, up {scan.up}, facing {scan.facing}."


def _warnings(scan: ScanMesh) -> tuple[str, ...]:
    if scan.landmarks is not None:
        return ()
    return ("No landmark was found: the fit has to guess the pose from the shape alone.",)
