"""The files of a twin, those for other targets of the same fit among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from bodyscan.consent import Evidence, SigningKey, Use
from bodyscan.errors import InputError
from bodyscan.gltf.export import Exported, export_twin
from bodyscan.pipeline import PipelineResult, twin_of_fit
from bodyscan.run.options import TwinOptions, for_target
from bodyscan.run.progress import Progress
from bodyscan.types import Twin

if TYPE_CHECKING:
    from bodyscan.run.twin import ReadJob


class Signing(TypedDict):
    """What binds the consent to each twin of a run."""

    consent: str
    controller_key: SigningKey
    use: Use
    now: datetime
    evidence: Evidence


@dataclass(frozen=True, eq=False)
class OtherTwin:
    """A second twin of the same fit, for another target."""

    twin: Twin
    options: TwinOptions


def other_twins(
    read: ReadJob, result: PipelineResult, about: Signing, progress: Progress
) -> dict[str, OtherTwin]:
    """Make the twins that the job wants for other targets: target -> twin. Raises as `twin_of_fit`."""
    found: dict[str, OtherTwin] = {}
    for name in read.job.also:
        options = for_target(read.options, name)
        with progress.stage(name) as remarks:
            made = twin_of_fit(
                result.fitted, **about, options=options.pipeline, expressions=result.expressions
            ).twin
            joints = len(made.rig.skeleton.joint_names)
            remarks.append(f"pose {made.pose}, {joints} joints, consent bound")
        found[name] = OtherTwin(made, options)
    return found


def twin_files(
    read: ReadJob, twin: Twin, others: Mapping[str, OtherTwin]
) -> tuple[Exported, dict[Path, bytes]]:
    """Return what is written for the twin and for the others, which come last, and the contents.

    Nothing is written here, so that one entry of the ledger covers all files, and all appear or none.
    Raises as `export_twin`, and `InputError` where another's path is that of one of the twin's parts.
    """
    contents: dict[Path, bytes] = {}
    main = export_twin(twin, read.job.output, read.options.gltf, read.options.pack, write=contents.update)
    files, kinds, findings = list(main.files), list(main.kinds), list(main.findings)
    for name, other in others.items():
        path = read.job.also[name]
        if path in contents:
            raise InputError(f"{path} is a part of the twin itself; give the file for {name} another path.")
        told = export_twin(other.twin, path, other.options.gltf, other.options.pack, write=contents.update)
        files += told.files
        kinds.append(name)
        findings += [finding for finding in told.findings if finding not in findings]
    return Exported(tuple(files), tuple(kinds), tuple(findings)), contents
