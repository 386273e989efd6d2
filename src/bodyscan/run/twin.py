"""A raw scan and a consent in, a twin out: all of `bodyscan twin` but its command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bodyscan.consent import Purpose, Use
from bodyscan.errors import InputError
from bodyscan.run.consent import consent_for, refuse_twin
from bodyscan.run.evidence import read_evidence
from bodyscan.run.outputs import check_output_file, check_output_folder
from bodyscan.run.scan import as_scan, input_words, read_hinted, read_input, with_photos
from bodyscan.run.uses import UseWriter

if TYPE_CHECKING:
    from bodyscan.consent import ConsentRecord
    from bodyscan.files import Writer
    from bodyscan.gltf.export import Exported
    from bodyscan.ledger import Receipt
    from bodyscan.pipeline import PipelineResult
    from bodyscan.run.keys import AskPassphrase, Warn
    from bodyscan.run.options import TwinOptions
    from bodyscan.run.progress import Progress
    from bodyscan.run.scan import Scanned
    from bodyscan.run.twin_files import OtherTwin, Signing


@dataclass(frozen=True)
class TwinJob:
    """What one run reads, writes and is for."""

    scan: Path
    consent: Path
    output: Path
    report: Path | None
    """Folder for the report."""
    controller_key: Path | None
    """None: looked for beside the consent."""
    passphrase_file: Path | None
    config: Path | None
    """TOML file with options."""
    use: Use
    now: datetime
    """UTC."""
    evidence: Path | None = None
    ledger: Path | None = None
    """None: the default one."""
    reference: str | None = None
    """Campaign, order or job, for the ledger."""
    photos: Path | None = None
    expressions: Mapping[str, Path] = field(default_factory=dict)
    """Name of an expression -> a scan that shows it."""
    flags: Mapping[str, Any] = field(default_factory=dict)
    """Options as a table that wins over the file's."""
    also: Mapping[str, Path] = field(default_factory=dict)
    """Name of a target (`vrm`) -> a file for it, made of the same fit: posed and jointed as the target wants,
    without levels of detail and collision body."""
    preview: Path | None = None
    """One marked picture of the twin, a .png."""

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that will come; a depth capture has more, of which the progress is told."""
        return (
            *("read", "reconstruct", "fit", "measure", "texture", "rig"),
            *(("expressions",) if self.expressions else ()),
            *("levels", "twin", *self.also, "write"),
            *(() if self.preview is None else ("preview",)),
            *(() if self.report is None else ("report",)),
        )


@dataclass(frozen=True, eq=False)
class TwinDone:
    """A twin that was made and written."""

    values: Mapping[str, Any]
    """For machines, all that JSON can hold: files, quality, measurements, stages, warnings."""
    kinds: Mapping[Path, str]
    """Every file that was written -> what it is: `twin`, `level 1`, `collision body`, a target's name,
    `picture` or `report`."""
    exported: Exported
    """The twin's files, those for other targets last."""
    report: Path | None
    """The report's page."""
    result: PipelineResult
    record: ConsentRecord
    """Of the person, as it was checked."""
    consent: str
    """The record's text as it was read; that in the twin has the binding too."""
    twin_id: str
    """16 hex digits: how pictures and the ledger name the twin."""
    receipt: Receipt | None
    """Of the ledger; None where the caller's own writer took the files."""


@dataclass(frozen=True, eq=False)
class ReadJob:
    """A run whose inputs are read and checked."""

    job: TwinJob
    options: TwinOptions
    scanned: Scanned
    text: str
    """Of the consent."""
    record: ConsentRecord


def run_twin(
    job: TwinJob,
    progress: Progress,
    *,
    write: Writer | None = None,
    passphrase: AskPassphrase | None = None,
    warn: Warn | None = None,
) -> TwinDone:
    """Make a person's twin and write its files.

    `write`: None writes the use into the ledger, then the files. A writer that is given takes all of them,
    the report's pages too, also those on a fit that is refused; the ledger is then the caller's duty, and
    no file may come to where others find it before its use is written down. `passphrase` and `warn` as in
    `controller_key`; without `warn` nothing is said of a key that others can read.

    Cheap checks come first: nobody waits for a fit to hear of a missing key or folder. Raises `InputError`
    for what cannot be read or written, `ConsentError` before the scan is read where the record does not
    cover the use or there is no key; then as `depth_to_scan` and `scan_to_twin`.
    """
    _check_inputs(job)

    from bodyscan.run.keys import controller_key

    known = read_evidence(job.evidence, now=job.now)
    text, record = consent_for(job.consent, job.use, job.now, known)
    key = controller_key(
        text,
        job.consent.parent,
        job.controller_key,
        job.passphrase_file,
        job.now,
        passphrase=passphrase,
        warn=warn,
    )

    from bodyscan.run.options import load_options

    options = load_options(job.config, job.flags)
    _check_outputs(job, options)
    for scan in (job.scan, *job.expressions.values()):
        # Made again as a scan, it would pass under another record.
        refuse_twin(scan, "it cannot be put under another. Give the raw scan that it was made from.")
    with progress.stage("read") as remarks:
        found = read_input(job.scan, options)
        remarks.append(input_words(found))
        if job.photos is not None:
            found = with_photos(found, job.photos)
            remarks.append(f"{len(found.photos)} photos")
        expressions = {name: read_hinted(path, options.scan) for name, path in job.expressions.items()}
    scanned = as_scan(found, options, progress)
    read = ReadJob(job, options, scanned, text, record)

    from bodyscan.files import write_all
    from bodyscan.pipeline import QualityError, scan_to_twin
    from bodyscan.run.twin_files import other_twins
    from bodyscan.run.twin_pages import write_refusal

    about: Signing = {
        "consent": text,
        "controller_key": key,
        "use": job.use,
        "now": job.now,
        "evidence": known,
    }
    try:
        result = scan_to_twin(
            scanned.capture,
            **about,
            options=options.pipeline,
            expressions=expressions,
            earlier=scanned.steps,
            on_stage=progress.on_stage,
        )
    except QualityError as error:
        if job.report is not None:
            write_refusal(read, job.report, error, progress, write or write_all)
        raise
    return _written(read, result, other_twins(read, result, about, progress), progress, write)


def _written(
    read: ReadJob,
    result: PipelineResult,
    others: Mapping[str, OtherTwin],
    progress: Progress,
    write: Writer | None,
) -> TwinDone:
    """Write the files of a twin that was made, and what tells of it."""
    from bodyscan.ledger import EntryKind
    from bodyscan.mark.twin_id import mark_under
    from bodyscan.pipeline import SOFTWARE
    from bodyscan.run.preview import preview_png
    from bodyscan.run.twin_files import twin_files
    from bodyscan.run.twin_pages import write_twin_report
    from bodyscan.run.twin_report import twin_values

    job = read.job
    mark = mark_under(result.twin.consent, str(job.use.purpose), SOFTWARE)
    receipt = None
    with progress.stage("write") as remarks:
        exported, files = twin_files(read, result.twin, others)
        kinds = {file.path: kind for file, kind in zip(exported.files, exported.kinds, strict=True)}
        uses = UseWriter(
            place=job.ledger,
            record=read.record,
            text=read.text,
            use=job.use,
            kind=EntryKind.TWIN,
            now=job.now,
            reference=job.reference,
            twin_id=mark.twin_id,
            kinds={str(path): kind for path, kind in kinds.items()},
        )
        if write is None:
            receipt = uses(files)
        else:
            write(files)
        remarks.append(f"{len(files)} files" + (", the use is in the ledger" if receipt else ""))
    # The studio's own check: written down, and not billed.
    check = replace(uses, kind=EntryKind.RENDER, use=replace(job.use, purpose=Purpose.MAKE_TWIN))
    if job.preview is not None:
        with progress.stage("preview") as remarks:
            kinds[job.preview] = "picture"
            look = write or replace(check, kinds={str(job.preview): "picture"})
            look({job.preview: preview_png(result.twin, read.record, mark)})
            remarks.append(str(job.preview))
    pages: tuple[Path, ...] = ()
    if job.report is not None:
        pages = write_twin_report(read, job.report, result, exported, mark, progress, write or check)
    kinds |= dict.fromkeys(pages, "report")
    page = pages[0] if pages else None
    values = twin_values(result, read.record, exported, page, progress.finished)
    values |= {} if job.preview is None else {"preview": str(job.preview)}
    values |= {} if receipt is None else {"ledger_entry": receipt.sequence}
    return TwinDone(values, kinds, exported, page, result, read.record, read.text, mark.twin_id, receipt)


def _check_inputs(job: TwinJob) -> None:
    for scan in (job.scan, *job.expressions.values()):
        if not scan.exists():
            raise InputError(f"There is no file {scan}. Give the path of a scan.")
    if job.photos is not None and not job.photos.exists():
        raise InputError(f"There is no folder {job.photos}. Give the folder of photos with their cameras.")


def _check_outputs(job: TwinJob, options: TwinOptions) -> None:
    from bodyscan.gltf.targets import load_target

    inputs = (job.scan, job.consent, job.config, job.controller_key, job.passphrase_file)
    suffix = load_target(options.gltf.target).suffix
    read = [path for path in (*inputs, *job.expressions.values()) if path]
    check_output_file(job.output, suffix, read)
    for name, path in job.also.items():
        check_output_file(path, load_target(name).suffix, read)
    if job.preview is not None:
        check_output_file(job.preview, ".png", read)
    written = [path for path in (job.output, *job.also.values(), job.preview) if path]
    if twice := [path for path in written if written.count(path) > 1]:
        raise InputError(f"{twice[0]} would be written twice; give each file a path of its own.")
    if job.report is not None:
        check_output_folder(job.report)
