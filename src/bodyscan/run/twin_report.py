"""What is told of a twin that was made: the report's data, and the values for machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from bodyscan.consent import ConsentRecord, Use
from bodyscan.consent.describe import describe_ai
from bodyscan.consent.fields import format_utc
from bodyscan.gltf.export import Exported
from bodyscan.mark import MarkInfo, mark_under, twin_id
from bodyscan.mark.twin_id import NO_GEOMETRY
from bodyscan.pipeline import SOFTWARE, PipelineResult, QualityError
from bodyscan.render import ConsentSummary, PictureOptions, ReportData, StageTime
from bodyscan.run.outputs import size_words
from bodyscan.run.progress import FinishedStage


def report_data(
    result: PipelineResult,
    record: ConsentRecord,
    use: Use,
    now: datetime,
    stages: Sequence[FinishedStage],
    exported: Exported,
    pictures: PictureOptions,
    capture_page: str = "",
) -> ReportData:
    """Return what the report of a finished twin shows; `capture_page` lies beside it."""
    return ReportData(
        twin_id=exported.main.path.stem,
        date=format_utc(now.replace(microsecond=0)),
        scan=result.scan,
        fit=result.fit,
        twin=result.twin,
        mark=mark_under(result.twin.consent, str(use.purpose), SOFTWARE),
        consent=consent_summary(record),
        stages=tuple(StageTime(stage.name, stage.seconds, stage.remark) for stage in stages),
        warnings=(*result.warnings, *exported.findings),
        outputs={
            file.path.name: f"{what}, {size_words(file.size_bytes)}"
            for what, file in zip(exported.kinds, exported.files, strict=True)
        },
        picture_options=pictures,
        capture_page=capture_page,
    )


def refusal_data(
    refused: QualityError,
    record: ConsentRecord,
    mark: MarkInfo,
    now: datetime,
    input_name: str,
    stages: Sequence[FinishedStage],
    pictures: PictureOptions,
    capture_page: str = "",
) -> ReportData:
    """Return what the report of a fit below the stated quality shows; there is no twin."""
    return ReportData(
        twin_id=f"none made of {input_name}",
        date=format_utc(now.replace(microsecond=0)),
        scan=refused.scan,
        fit=refused.fit,
        twin=None,
        mark=mark,
        consent=consent_summary(record),
        stages=tuple(StageTime(stage.name, stage.seconds, stage.remark) for stage in stages),
        warnings=(str(refused),),
        picture_options=pictures,
        input_name=input_name,
        capture_page=capture_page,
    )


def twin_values(
    result: PipelineResult,
    record: ConsentRecord,
    exported: Exported,
    page: Path | None,
    stages: Sequence[FinishedStage],
) -> dict[str, Any]:
    """Return the result as JSON values."""
    rig, scan, quality = result.twin.rig, result.scan, result.fit.quality
    return {
        "twin": str(exported.main.path),
        "size_bytes": exported.main.size_bytes,
        "files": [
            {"path": str(file.path), "kind": what, "size_bytes": file.size_bytes}
            for what, file in zip(exported.kinds, exported.files, strict=True)
        ],
        "report": str(page) if page else None,
        "pose": result.twin.pose,
        "vertices": len(rig.mesh.vertices),
        "triangles": len(rig.mesh.faces),
        "joints": len(rig.skeleton.joint_names),
        "face_shapes": len(result.twin.morphs),
        "body_model": result.fit.model_name,
        "quality": asdict(quality),
        "scan": {
            "file": result.capture.source,
            "sha256": scan.sha256,
            "unit": scan.unit,
            "up": scan.up,
            "facing": scan.facing,
            "inferred": list(scan.inferred),
            "notes": list(scan.notes),
        },
        "consent": {
            "record_id": record.record_id,
            "person": record.subject.pseudonym,
            "until": format_utc(record.term.not_after),
            "demo": record.demo,
        },
        "measurements_cm": {m.name: round(m.value_cm, 2) for m in result.twin.measurements},
        "stages": [asdict(stage) for stage in stages],
        "warnings": [*result.warnings, *exported.findings],
    }


def scan_mark(record: ConsentRecord, use: Use) -> MarkInfo:
    """What pictures say where no twin was made: there is a record, and no geometry that it is bound to."""
    own = twin_id(record.record_id, NO_GEOMETRY).hex()
    return MarkInfo(record.record_id, record.subject.pseudonym, str(use.purpose), SOFTWARE, own)


def consent_summary(record: ConsentRecord) -> ConsentSummary:
    """Return what a report says of a record that was checked."""
    until = format_utc(record.term.not_after)
    return ConsentSummary(
        record_id=record.record_id,
        subject=record.subject.pseudonym,
        controller=record.controller.name,
        state=f"Valid: signed by all, holds until {until}.",
        purposes=tuple(map(str, record.scope.purposes)),
        media=tuple(map(str, record.scope.media)),
        territories=tuple(record.scope.territories),
        term=f"{format_utc(record.term.not_before)} to {until}",
        machine_learning=describe_ai(record.ai),
        is_demo=record.demo,
    )
