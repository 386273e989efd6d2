"""KTX2 images with Basis Universal supercompression (KHR_texture_basisu), through an installed encoder.

No package index offers a well-kept encoder as a wheel, so one of three programs does the work: `ktx` (Khronos
KTX-Software 4.3 or newer), `toktx` (older releases of the same) or `basisu` (Binomial). Colours and data
become ETC1S, which is small. Normal maps become UASTC with Zstandard, for ETC1S keeps one direction of colour
a block and bends normals. Mipmaps are stored: a reader cannot make them for a compressed texture.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from bodyscan.errors import InputError, MissingExtraError, StageError
from bodyscan.types import U8

PROGRAMS = ("ktx", "toktx", "basisu")
MAGIC = b"\xabKTX 20\xbb\r\n\x1a\n"
TIMEOUT_S = 600


def encode_ktx2(pixels: U8, role: str) -> bytes:
    """Return (H, W, 3) or (H, W, 4) uint8 `pixels` as a KTX2 file; `role` is `color`, `normal` or `data`.

    Sides must be multiples of 4, as KHR_texture_basisu asks. Raises `InputError` where they are not,
    `MissingExtraError` where no encoder is installed, `StageError` where the encoder fails.
    """
    height, width = pixels.shape[:2]
    if height % 4 or width % 4:
        raise InputError(f"KTX2 wants image sides that are multiples of 4; this one is {width} by {height}.")
    program = next((name for name in PROGRAMS if shutil.which(name)), None)
    if program is None:
        raise MissingExtraError(
            "KTX2 images need an encoder, and none of the programs ktx, toktx and basisu is installed: "
            "install KTX-Software (github.com/KhronosGroup/KTX-Software, releases), or choose webp."
        )
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "image.png", Path(folder) / "image.ktx2"
        stream = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(pixels)).save(stream, "PNG")
        source.write_bytes(stream.getvalue())
        command = ktx2_command(program, role, source, target, alpha=pixels.shape[2] == 4)
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, errors="replace", timeout=TIMEOUT_S, cwd=folder
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise StageError(f"The encoder {program} did not finish: {error}.") from None
        if done.returncode or not target.is_file():
            said = (done.stderr or done.stdout).strip().splitlines()
            raise StageError(f"The encoder {program} failed: {said[-1] if said else 'without a word'}.")
        data = target.read_bytes()
    if not data.startswith(MAGIC):
        raise StageError(f"The encoder {program} wrote something that is no KTX2 file.")
    return data


def ktx2_command(program: str, role: str, source: Path, target: Path, *, alpha: bool) -> list[str]:
    """Return the command line of one encoder; one thread, so that the same image gives the same bytes."""
    normal, color = role == "normal", role == "color"
    if program == "ktx":
        form = ("R8G8B8A8" if alpha else "R8G8B8") + ("_SRGB" if color else "_UNORM")
        codec = ["basis-lz", "--qlevel", "192"]
        if normal:
            codec = ["uastc", "--uastc-quality", "2", "--zstd", "18"]
        transfer = ["--assign-tf", "srgb" if color else "linear"]
        mipmaps = ["--generate-mipmap", *(["--normalize"] if normal else [])]
        words = ["create", "--format", form, *transfer, *mipmaps, "--threads", "1", "--encode", *codec]
        return [program, *words, str(source), str(target)]
    if program == "toktx":
        codec = ["uastc", "--uastc_quality", "2", "--zcmp", "18"] if normal else ["etc1s", "--qlevel", "192"]
        words = ["--t2", "--genmipmap", "--assign_oetf", "srgb" if color else "linear", "--threads", "1"]
        words += ["--normalize"] if normal else []
        return [program, *words, "--encode", *codec, str(target), str(source)]
    words = ["-ktx2", "-mipmap", "-no_multithreading", *([] if color else ["-linear"])]
    words += ["-uastc", "-uastc_level", "2", "-renorm"] if normal else ["-q", "192"]
    return [program, *words, "-file", str(source), "-output_file", str(target)]
