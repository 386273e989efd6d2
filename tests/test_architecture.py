"""The rooms of the house: who may import whom. See `docs/architecture.md`."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "bodyscan"
FILES = sorted(SOURCE.rglob("*.py"))
MAX_LINES = 400

EVERYBODY = {"errors", "types", "geometry", "threads"}
STAGES = {"capture", "reconstruct", "body", "fit", "rig", "texture", "twin"}
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "types": {"errors"},
    "files": {"errors"},
    "threads": set(),
    "geometry": {"errors", "types", "threads"},
    "capture": EVERYBODY | {"body"},
    "reconstruct": EVERYBODY | {"body"},
    "body": EVERYBODY,
    "fit": EVERYBODY | {"body"},
    "rig": EVERYBODY | {"body"},
    "texture": EVERYBODY | {"body"},
    "twin": EVERYBODY | {"body", "consent"},
    "consent": EVERYBODY,
    "gltf": EVERYBODY | {"twin", "consent", "files"},
    "ledger": EVERYBODY | {"consent", "files"},
    "mark": EVERYBODY | {"consent", "files"},
    "render": EVERYBODY | STAGES | {"mark", "consent", "files"},
    "simulate": EVERYBODY | STAGES | {"consent", "mark", "render", "files"},
    "garment": EVERYBODY | {"body", "rig", "consent", "files"},
    "viewer": EVERYBODY | {"gltf", "mark", "consent"},
    "pipeline": EVERYBODY | STAGES | {"consent", ""},
    "run": EVERYBODY | STAGES | {"consent", "files", "gltf", "ledger", "mark", "pipeline", "render"},
    "steps": EVERYBODY | STAGES | {"consent", "files", "gltf", "ledger", "mark", "pipeline", "run", ""},
    "convert": EVERYBODY | {"gltf", "consent", "files"},
    "batch": EVERYBODY
    | STAGES
    | {"consent", "files", "gltf", "ledger", "render", "mark", "pipeline", "convert", "run", ""},
}
"""Room -> what it may import; `""` is the package itself (its version). `cli` may import everything."""
TOP = {"cli", "__init__", "__main__"}

ONLY_IN: dict[str, set[str]] = {
    "mediapipe": {"reconstruct/mediapipe_detector.py"},
    "cv2": {"capture/video.py"},
    "embreex": {"geometry/winding.py"},
    "lzfse": {"capture/depth_record3d.py"},
    "pygltflib": {"gltf/write.py", "gltf/container.py", "gltf/buffer.py"},
    "typer": {"cli/"},
    "rich": {"cli/"},
    "joserfc": {"consent/"},
    "rfc8785": {"consent/"},
    "sqlite3": {"ledger/", "batch/"},
    "cryptography": {"consent/"},
    "rfc3161_client": {"consent/time_stamp.py"},
    "c2pa": {"mark/c2pa_manifest.py"},
    "fsspec": {"batch/storage.py"},
    "distributed": {"batch/dask_cluster.py"},
    "dask": {"batch/dask_cluster.py"},
    "pxr": {"convert/usd_layer.py"},
    "psutil": {"batch/machine.py"},
}
"""Package -> the files or folders that alone may import it."""

BLENDER = {
    "bpy", "bpy_extras", "bmesh", "mathutils", "gpu", "gpu_extras", "blf", "bl_math", "addon_utils",
    "rna_prop_ui",
}  # fmt: skip
NOWHERE = BLENDER | {
    "bodyscan_blender", "bl_ext", "torch", "anny", "warp", "jax", "numba", "matplotlib", "sklearn", "pandas",
    "requests", "httpx", "aiohttp", "socket", "ssl", "http", "ftplib", "smtplib", "urllib3", "websocket",
    "urllib.request", "pickle", "marshal", "shelve", "dill", "joblib",
}  # fmt: skip
"""No Blender in this process, nothing of the add-on, whose licence is the GPL, no learning framework, no
network, and nothing that runs code out of a file."""
FILE_EXCEPTIONS = {
    ("pickle", "body/restricted_pickle.py"),
    ("bpy", "convert/in_blender.py"),
}
"""The allow-list reader for body models overrides the standard unpickler; it runs nothing of the file. The
script that Blender runs, in a process of its own, is imported by nothing."""


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted module) for every import of a file, those inside functions too."""
    package = path.relative_to(ROOT / "src").parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join((*package[: len(package) - node.level + 1], *filter(None, [base])))
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"


def room_of(path: Path) -> str:
    """The first folder below the package, or the file's own name."""
    parts = path.relative_to(SOURCE).parts
    return parts[0] if len(parts) > 1 else path.stem


def imported_room(module: str) -> str | None:
    """The room that a dotted name lies in, or None for another package."""
    parts = module.split(".")
    if parts[0] != "bodyscan":
        return None
    name = parts[1] if len(parts) > 1 else ""
    known = name and ((SOURCE / name).is_dir() or (SOURCE / f"{name}.py").is_file())
    return name if known else ""


def forbidden_arrows(path: Path) -> list[str]:
    """Return every import of a file that the table forbids, in words."""
    room = room_of(path)
    if room in TOP:
        return []
    if room not in ALLOWED:
        return [f"{path.name}: the room '{room}' is not in the table"]
    found = []
    for line, module in imports_of(path):
        target = imported_room(module)
        if target is not None and target != room and target not in ALLOWED[room]:
            found.append(f"{path.relative_to(ROOT)}:{line} {room} may not import {target or 'bodyscan'}")
    return found


def test_there_is_something_to_look_at():
    assert len(FILES) > 100
    assert {"fit", "gltf", "consent"} <= {room_of(path) for path in FILES}


@pytest.mark.parametrize("room", sorted({room_of(path) for path in FILES}))
def test_a_room_imports_only_what_it_may(room):
    arrows = [arrow for path in FILES if room_of(path) == room for arrow in forbidden_arrows(path)]
    assert arrows == []


def test_the_rule_sees_a_forbidden_arrow(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    monkeypatch.setitem(globals(), "SOURCE", tmp_path / "src" / "bodyscan")
    folder = tmp_path / "src" / "bodyscan" / "fit"
    (folder.parent / "rig").mkdir(parents=True)
    folder.mkdir()
    file = folder / "bad.py"
    file.write_text("def f():\n    from bodyscan.rig import bind\n    from ..rig.bind import x\n")
    assert len(forbidden_arrows(file)) == 2


def test_some_packages_stay_behind_their_one_file():
    found = []
    for path in FILES:
        place = path.relative_to(SOURCE).as_posix()
        for line, module in imports_of(path):
            homes = ONLY_IN.get(module.split(".")[0])
            if homes is not None and not any(place.startswith(home) for home in homes):
                found.append(f"{place}:{line} {module}")
    assert found == []


def test_some_packages_are_imported_nowhere():
    found = []
    for path in FILES:
        place = path.relative_to(SOURCE).as_posix()
        for line, module in imports_of(path):
            for name in NOWHERE:
                if (module == name or module.startswith(f"{name}.")) and (name, place) not in FILE_EXCEPTIONS:
                    found.append(f"{place}:{line} {module}")
    assert found == []


def test_slow_packages_are_imported_only_inside_functions():
    found = []
    for path in FILES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            slow = [name for name in names if name.split(".")[0] in ("open3d", "mediapipe", "cv2")]
            found += [f"{path.relative_to(SOURCE)}: {name}" for name in slow]
    assert found == []


def test_no_file_is_longer_than_400_lines():
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in FILES}
    assert {name: count for name, count in lengths.items() if count > MAX_LINES} == {}


DESCRIBED_IN_A_TABLE = {"body/measurements_girths.py", "body/measurements_lengths.py"}
"""One function a measurement; `body/measurements.py` holds the name, clause and description of each."""


def undocumented(path: Path) -> Iterator[str]:
    """Yield the public functions, methods and classes of a file that have no docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    place = path.relative_to(SOURCE).as_posix()
    if place in DESCRIBED_IN_A_TABLE:
        return
    if tree.body and not ast.get_docstring(tree):
        yield f"{place}: the file itself"
    holders: list[tuple[str, list[ast.stmt]]] = [("", tree.body)]
    holders += [
        (f"{node.name}.", node.body)
        for node in tree.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    for prefix, body in holders:
        for node in body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            plain = not isinstance(node, ast.ClassDef) and (_is_stub(node) or _is_property(node))
            if not node.name.startswith("_") and not ast.get_docstring(node) and not plain:
                yield f"{place}: {prefix}{node.name}"


def _is_property(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("property" in ast.unparse(decorator) for decorator in node.decorator_list)


def _is_stub(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    body = node.body
    return len(body) == 1 and isinstance(body[0], ast.Expr) and getattr(body[0].value, "value", None) is ...


def test_everything_public_has_a_docstring():
    assert [name for path in FILES for name in undocumented(path)] == []


ENDINGS = ("print", "exit", "quit", "sys.exit", "os._exit", "input", "eval", "exec")


def test_the_library_never_prints_or_exits():
    found = []
    for path in FILES:
        if room_of(path) in TOP:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                place = path.relative_to(SOURCE).as_posix()
                forked = name == "os._exit" and place == "batch/host.py"  # the end of a forked child
                if name in ENDINGS and not forked:
                    found.append(f"{path.relative_to(SOURCE)}:{node.lineno} {name}")
    assert found == []


def tracked_texts() -> Iterator[tuple[str, str]]:
    """Yield (path, text) of every tracked text file."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    for name in listed.stdout.decode().split("\0"):
        path = ROOT / name
        if name and path.is_file() and path.stat().st_size < 2_000_000:
            data = path.read_bytes()
            if b"\0" not in data[:8000]:
                yield name, data.decode("utf-8", errors="replace")


def test_no_tracked_file_names_a_machine_or_a_registry():
    # Put together here, so that this file does not hold them itself.
    folders = [f"/{name}/" for name in ("root", "work", "home")]
    hosts = [".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("registry", "npmjs"))]
    words = [*folders, *hosts, "-".join(("index", "url"))]
    found = [
        f"{name}: {word}"
        for name, text in tracked_texts()
        for word in words
        if word in text and name not in ("tools/lock.sh",)
    ]
    assert found == []
