"""assimp's own program (Debian's assimp-utils): import, what it dumps of it, and its glTF exporter.

The Python bindings are no way: `assimp-py` brings the library and shows neither bones nor shapes, `impasse`
and `pyassimp` want the system's library all the same.
"""

from __future__ import annotations

import io
import re
import subprocess
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from bodyscan.gltf.container import pack_glb, unpack_glb
from gltf.tools import need_program
from readers.report import ReaderReport, TextureSeen, refused

TIMEOUT_S = 60
USES = {"BaseColor": "albedo", "Normals": "normal", "DiffuseRoughness": "roughness"}


def read(path: Path, arm: str, shape: str) -> ReaderReport:
    """Return what assimp sees. It poses and draws nothing."""
    program = need_program("assimp")
    version = re.search(r"Version (\d+\.\d+)", _run(program, "version").stdout)
    name = f"assimp {version[1] if version else '?'}"
    with tempfile.TemporaryDirectory() as place:
        # assimp knows a glTF file by its ending, and no .vrm.
        folder, file = Path(place), Path(place) / "twin.glb"
        file.write_bytes(path.read_bytes())
        info = _run(program, "info", file)
        if "Meshes:" not in info.stdout:
            return refused(name, *_complaints(info))
        dump = folder / "twin.assxml"
        _run(program, "dump", file, dump)
        tree = ElementTree.fromstring(re.sub(r"<!--.*?-->", "", dump.read_text(), flags=re.DOTALL))
        again, problems = _exported(program, file, folder / "again.glb")
        file.write_bytes(_without_extras(path))
        bare, more = _exported(program, file, folder / "bare.glb")
    return ReaderReport(
        reader=name,
        loaded=True,
        problems=(*problems, *more),
        joints=tuple(bone.attrib["name"] for bone in tree.iter("Bone")),
        morphs=None if bare is None else _morph_names(bare),
        textures=tuple(_textures(tree)),
        triangles=int(_after("Faces:", info.stdout)[0]),
        height_m=_after("Maximum point", info.stdout)[1] - _after("Minimum point", info.stdout)[1],
        extras=again is not None and b"bodyscan" in again,
        again=again,
    )


def _run(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )


def _complaints(done: subprocess.CompletedProcess[str]) -> list[str]:
    lines = (done.stdout + done.stderr).splitlines()
    return [line.strip() for line in lines if "ERROR" in line or "ai_assert" in line or "Fail" in line]


def _exported(program: str, file: Path, again: Path) -> tuple[bytes | None, list[str]]:
    done = _run(program, "export", file, again, "-fglb2")
    if again.exists():
        return again.read_bytes(), []
    return None, [f"export: {line}" for line in _complaints(done) or [f"ended with {done.returncode}"]]


def _without_extras(path: Path) -> bytes:
    """Return the file without the extras of its nodes."""
    document, binary = unpack_glb(path)
    nodes = [{key: node[key] for key in node if key != "extras"} for node in document["nodes"]]
    return pack_glb({**document, "nodes": nodes}, binary)


def _morph_names(data: bytes) -> tuple[str, ...]:
    """Return a name for each shape of the exported body; empty where the exporter gives none."""
    (mesh,) = unpack_glb(data)[0]["meshes"]
    shapes = mesh["primitives"][0].get("targets", [])
    return tuple(mesh.get("extras", {}).get("targetNames", [""] * len(shapes)))


def _after(word: str, text: str) -> list[float]:
    """Return the numbers on the line that begins with a word."""
    found = re.search(rf"^{word}(.*)$", text, flags=re.MULTILINE)
    return [float(number) for number in re.findall(r"-?[\d.]+", found[1] if found else "")]


def _textures(tree: ElementTree.Element) -> list[TextureSeen]:
    images = [bytes.fromhex("".join(_bytes_of(one))) for one in tree.iter("Data")]
    seen = []
    for entry in next(tree.iter("MatPropertyList")).iter("MatProperty"):
        use = USES.get(entry.attrib["tex_usage"])
        if entry.attrib["key"] == "$tex.file" and use:
            # An embedded image is named by its number: "*2".
            image = Image.open(io.BytesIO(images[int((entry.text or "").strip().strip('"').lstrip("*"))]))
            mean = np.asarray(image.convert("RGB")).reshape(-1, 3).mean(axis=0)
            seen.append(TextureSeen(use, *image.size, tuple(mean.tolist())))
    return seen


def _bytes_of(data: ElementTree.Element) -> list[str]:
    return [byte.zfill(2) for byte in (data.text or "").split()]
