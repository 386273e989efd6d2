"""`bodyscan consent c2pa`: a manifest beside a twin or inside a picture, written or checked."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodyscan import __version__
from bodyscan.cli.consent.common import (
    JsonFlag,
    NowOption,
    PassphraseFile,
    check_new,
    clock,
    is_glb,
    passphrase_for,
)
from bodyscan.cli.errors import run_guarded
from bodyscan.cli.output import print_result
from bodyscan.errors import ConsentError, InputError
from bodyscan.run.text_files import read_text

if TYPE_CHECKING:
    from bodyscan.consent.certificates import SigningIdentity
    from bodyscan.mark.c2pa_consent import C2paConsent

app = typer.Typer()

NOT_SOUND = 4
SOFTWARE = f"bodyscan {__version__}"


@app.command(
    name="c2pa",
    epilog="Exit codes: 0 written or sound, 3 input, 4 not sound or no consent, 5 extra missing.",
)
@run_guarded
def manifest(
    file: Annotated[Path, typer.Argument(help="A twin (.glb, .vrm) or a picture (.png, .jpg, .webp).")],
    certificate: Annotated[
        Path | None, typer.Option(help="The signer's certificate chain (PEM), their own first.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="Its private key (PEM).")] = None,
    passphrase_file: PassphraseFile = None,
    record: Annotated[
        Path | None, typer.Option(help="For a picture: the signed record that it was made under.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Check the manifest instead of writing one.")
    ] = False,
    anchor: Annotated[
        list[Path] | None, typer.Option(help="With --check: root certificate (PEM) that you trust; repeat.")
    ] = None,
    manifest_file: Annotated[
        Path | None, typer.Option("--manifest", help="A twin's manifest. Default: NAME.c2pa beside it.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="For a picture: the signed picture to write.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace an existing file.")] = False,
    now: NowOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Write or check a C2PA manifest: beside a twin (NAME.c2pa), inside a picture.

    The manifest names the consent and says what machine learning may do. It is over the whole file, so write
    it last. Nothing is fetched; certificates are judged by this computer's clock.
    """
    twin = is_glb(file)
    if twin and (record or output):
        raise InputError("--record and --output are for pictures; a twin carries its own record.")
    if not twin and manifest_file:
        raise InputError("--manifest is for twins; a picture holds its own manifest.")
    sidecar = manifest_file or file.with_suffix(".c2pa")
    if check:
        if certificate or key or output:
            raise InputError("--check takes --anchor, and no --certificate, --key or --output.")
        _check(file, sidecar if twin else None, record, anchor or [], as_json)
        return
    if certificate is None or key is None or anchor:
        raise InputError("to write a manifest give --certificate and --key; --anchor is for --check.")
    identity = _identity(certificate, key, passphrase_file)
    target = sidecar if twin else output
    if target is None or (not twin and record is None):
        raise InputError("for a picture give --record, the record that it was made under, and --output.")
    check_new(target, overwrite)
    if not twin and target.exists() and target.samefile(file):
        raise InputError(f"{target} is the picture itself; give another output path.")
    _write(file, target, record, identity, clock(now), as_json)


def _write(
    file: Path, target: Path, record: Path | None, identity: SigningIdentity, now: datetime, as_json: bool
) -> None:
    from bodyscan.files import write_atomic
    from bodyscan.mark.c2pa_manifest import sign_picture, sign_sidecar

    data = file.read_bytes()
    if record is None:
        consent = _twin_consent(data, now)
        written = sign_sidecar(data, consent, identity, SOFTWARE, file.name)
    else:
        consent = _record_consent(record)
        written = sign_picture(data, consent, identity, SOFTWARE, target.name)
    write_atomic(target, written)
    values = {"file": str(target), "record_id": consent.record_id, "signer": identity.subject}
    rows = [("written to", str(target)), ("record", consent.record_id), ("signed by", identity.subject)]
    print_result(values, rows, as_json)


def _check(file: Path, sidecar: Path | None, record: Path | None, anchors: list[Path], as_json: bool) -> None:
    from bodyscan.mark.c2pa_manifest import MAX_MANIFEST_BYTES, verify_picture, verify_sidecar

    roots = [path.read_bytes() for path in anchors]
    data = file.read_bytes()
    if sidecar is None:
        report = verify_picture(data, roots, _record_consent(record) if record else None)
    else:
        manifest = None
        if sidecar.exists():
            with sidecar.open("rb") as stream:
                manifest = stream.read(MAX_MANIFEST_BYTES + 1)
        report = verify_sidecar(data, manifest, roots, _twin_consent(data, None))
    values = {
        "verdict": str(report.verdict),
        "reason": report.reason,
        "signer": report.signer or None,
        "record_id": report.consent.record_id if report.consent else None,
    }
    print_result(values, [(str(report.verdict), report.reason)], as_json)
    if not report.ok:
        raise typer.Exit(NOT_SOUND)


def _identity(certificate: Path, key: Path, passphrase_file: Path | None) -> SigningIdentity:
    from bodyscan.consent.certificates import read_identity
    from bodyscan.consent.key_files import others_can_read

    passphrase = passphrase_for(key, passphrase_file)
    identity = read_identity(read_text(certificate), read_text(key), passphrase)
    if others_can_read(key):
        typer.echo(f"warning: other users can read the private key {key}; run: chmod 600 {key}", err=True)
    return identity


def _twin_consent(data: bytes, now: datetime | None) -> C2paConsent:
    """What the consent inside a twin says; with `now`, it must hold then and fit the body.

    Raises `ConsentError` where there is none, it is not sound or not bound.
    """
    from bodyscan.consent.binding import open_consent
    from bodyscan.consent.state import Decision, RefusedConsent
    from bodyscan.consent.verify import verify_content
    from bodyscan.gltf.read_content import read_content
    from bodyscan.mark.c2pa_consent import C2paConsent

    text, content = read_content(data)
    opened = open_consent(text)
    if opened.binding is None:
        raise ConsentError("The consent in the twin is not bound to a body; a manifest would prove nothing.")
    if now is not None:
        status = verify_content(text, content, now=now)
        if status.decision is Decision.DENY:
            raise RefusedConsent(status.state, status.reason, status.record, clause=status.clause)
    return C2paConsent.of(opened.record, opened.binding.seal.geometry)


def _record_consent(path: Path) -> C2paConsent:
    """What a signed record says for a picture."""
    from bodyscan.cli.consent.common import consent_text
    from bodyscan.consent.binding import open_consent
    from bodyscan.mark.c2pa_consent import C2paConsent

    return C2paConsent.of(open_consent(consent_text(path)).record)
