"""Gives a wheel a version of its own for each content: `0.1.0` becomes `0.1.0+3f2a91bc`.

Blender unpacks a wheel only where no package of that name and version is unpacked yet. Without a label, who
installs a newer build of the same version goes on with the older package, and is not told.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zipfile
from pathlib import Path

from archive import write_zip


def labelled(wheel: Path, folder: Path) -> Path:
    """Write the wheel under the version that its content gives it to `folder`; return its path."""
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name, version, *tags = wheel.name.split("-")
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path}\0{len(files[path])}\0".encode() + files[path])
    label = f"{version}+{digest.hexdigest()[:8]}"
    old, new = f"{name}-{version}.dist-info/", f"{name}-{label}.dist-info/"
    files = {path.replace(old, new, 1): data for path, data in files.items()}
    metadata = files[f"{new}METADATA"]
    files[f"{new}METADATA"] = re.sub(rb"(?m)^Version: .*", f"Version: {label}".encode(), metadata, count=1)
    del files[f"{new}RECORD"]
    files[f"{new}RECORD"] = _record(files, f"{new}RECORD").encode()
    target = folder / "-".join([name, label, *tags])
    write_zip(target, files)
    return target


def _record(files: dict[str, bytes], own_name: str) -> str:
    """The list of a wheel's files with their hashes, as the wheel format wants it."""
    lines = []
    for path in sorted(files):
        digest = base64.urlsafe_b64encode(hashlib.sha256(files[path]).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(files[path])}\n")
    return "".join([*lines, f"{own_name},,\n"])
