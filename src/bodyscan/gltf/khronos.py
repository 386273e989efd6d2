"""The Khronos glTF validator, run through Node.js where it is installed."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from bodyscan.errors import InputError, MissingExtraError, StageError
from bodyscan.gltf.validate import Finding

SEVERITIES = ("error", "warning", "info", "hint")
SCRIPT = """
const validator = require(process.argv[1]);
const parts = [];
process.stdin.on('data', part => parts.push(part));
process.stdin.on('end', () => validator
  .validateBytes(new Uint8Array(Buffer.concat(parts)), { format: 'glb', maxIssues: 1000 })
  .then(report => process.stdout.write(JSON.stringify(report)))
  .catch(error => { process.stderr.write(String(error)); process.exitCode = 1; }));
"""


def khronos_findings(
    source: str | Path | bytes, node_modules: str | Path, *, timeout_s: float = 120.0
) -> tuple[Finding, ...]:
    """Return what the Khronos validator says about a GLB file or its bytes; empty where nothing.

    `node_modules` is the folder in which `npm ci` put the package `gltf-validator`.
    Raises `MissingExtraError` where Node.js or the package is missing, `InputError` where the file cannot
    be read, `StageError` where the validator gives no report.
    """
    node = shutil.which("node")
    if node is None:
        raise MissingExtraError("The Khronos validator needs Node.js; install it so that `node` is found.")
    package = Path(node_modules).resolve() / "gltf-validator"
    if not (package / "package.json").is_file():
        raise MissingExtraError(
            f"The npm package gltf-validator is not in {node_modules}; run `npm ci` there."
        )
    if isinstance(source, bytes):
        data = source
    else:
        try:
            data = Path(source).read_bytes()
        except OSError as error:
            raise InputError(f"{source} cannot be read: {error.strerror}.") from error
    try:
        done = subprocess.run(
            [node, "-e", SCRIPT, str(package)],
            input=data,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise StageError(f"The Khronos validator did not finish within {timeout_s:g} s.") from None
    if done.returncode:
        raise StageError(
            f"The Khronos validator gave no report: {done.stderr.decode(errors='replace')[:500]}"
        )
    report = json.loads(done.stdout)
    return tuple(
        Finding(SEVERITIES[m["severity"]], m["code"], m["message"], m.get("pointer", ""))
        for m in report["issues"]["messages"]
    )
