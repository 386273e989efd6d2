"""What was chosen to be imported is told apart, and its consent is found beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from addon.blenders import ROOT
from addon.outside import outside
from bodyscan.capture import EXTENSIONS
from bodyscan.errors import InputError
from bodyscan.gltf import twin_to_glb
from gltf.complete import with_parts
from gltf.shapes import small_twin

capture_kind = outside("steps.capture_kind")
SAMPLES = ROOT / "sample_scans"


def touched(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


def test_the_file_browser_shows_every_scan_that_can_be_read() -> None:
    assert set(capture_kind.SCANS) == set(EXTENSIONS)
    assert "*.obj;" in capture_kind.file_filter()


@pytest.mark.parametrize("name", ["woman.obj", "man.ply", "thin.stl", "child.glb", "turntable"])
def test_samples_are_scans_and_have_their_consent_beside_them(name: str) -> None:
    path = SAMPLES / name
    assert capture_kind.kind_of(path) == "scan"
    assert capture_kind.consent_beside(path) == SAMPLES / f"{path.stem}.consent.json"


def test_a_twin_is_known_by_the_record_that_it_carries(tmp_path: Path) -> None:
    twin = tmp_path / "twin.glb"
    twin.write_bytes(twin_to_glb(with_parts(small_twin())))
    assert capture_kind.kind_of(twin) == "twin"
    twin.write_bytes(b"glTF, but not really")
    assert capture_kind.kind_of(twin) == "scan", "the reader says what is wrong with it"
    assert capture_kind.kind_of(touched(tmp_path / "avatar.vrm")) == "twin"


@pytest.mark.parametrize("name", ["a.jpg", "images/a.png", "transforms.json", "sparse/0/images.bin", "c.xml"])
def test_photos_alone_are_no_capture_and_the_sentence_says_what_is_missing(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "shoot"
    touched(folder / name)
    with pytest.raises(InputError, match="Choose the mesh that was made of these photos") as told:
        capture_kind.kind_of(folder)
    has_cameras = not name.endswith(("jpg", "png"))
    assert ("The cameras are missing too" in str(told.value)) is not has_cameras


@pytest.mark.parametrize(
    ("mesh", "cameras"),
    [
        ("model.obj", "transforms.json"),
        ("person.ply", "cameras.xml"),
        ("dense/meshed-poisson.ply", "sparse/0/cameras.bin"),
        ("texturing/texturedMesh.OBJ", "transforms.json"),
    ],
)
def test_photos_with_their_cameras_and_mesh_are_a_capture(mesh: str, cameras: str, tmp_path: Path) -> None:
    folder = tmp_path / "shoot"
    for name in ("images/0.jpg", "images/1.jpg", mesh, cameras):
        touched(folder / name)
    assert capture_kind.kind_of(folder) == "photos"
    assert capture_kind.mesh_of(folder) == folder / mesh
    assert capture_kind.consent_beside(folder) is None
    record = touched((folder / mesh).with_suffix(".consent.json"))
    assert capture_kind.consent_beside(folder) == record
    record = touched(tmp_path / "shoot.consent.json")
    assert capture_kind.consent_beside(folder) == record
    touched(folder / "mesh" / "other.stl")
    with pytest.raises(InputError, match=r"several meshes .*; choose the one of the person"):
        capture_kind.kind_of(folder)


def test_a_mesh_beside_photos_without_cameras_is_not_enough(tmp_path: Path) -> None:
    for name in ("0.jpg", "model.obj"):
        touched(tmp_path / "shoot" / name)
    with pytest.raises(InputError, match="The cameras are missing too"):
        capture_kind.kind_of(tmp_path / "shoot")


@pytest.mark.parametrize("name", ["a.jpg", "cameras.xml", "transforms.json"])
def test_one_photo_or_its_cameras_are_no_capture_either(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Choose the mesh"):
        capture_kind.kind_of(touched(tmp_path / name))


@pytest.mark.parametrize(
    "signs",
    [
        ["color/0.jpg", "depth/0.png", "camera_intrinsic.json"],
        ["rgb.txt", "depth.txt"],
        ["frame-000000.depth.png", "frame-000000.color.png"],
        ["keyframes/depth/0.png", "keyframes/cameras/0.json"],
        ["capture.json", "images/0.jpg"],
        ["cloud0.pcd"],
        ["something.else"],
    ],
)
def test_a_depth_cameras_folder_is_left_to_its_readers(signs: list[str], tmp_path: Path) -> None:
    for name in signs:
        touched(tmp_path / "capture" / name)
    assert capture_kind.kind_of(tmp_path / "capture") == "scan"


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file or folder"):
        capture_kind.kind_of(tmp_path / "none.ply")


def test_a_consent_beside_is_found_by_either_name(tmp_path: Path) -> None:
    scan = touched(tmp_path / "ada.2.ply")
    assert capture_kind.consent_beside(scan) is None
    assert "as ada.2.consent.json" in capture_kind.no_consent(scan)
    whole = touched(tmp_path / "ada.2.ply.consent.json")
    assert capture_kind.consent_beside(scan) == whole
    short = touched(tmp_path / "ada.2.consent.json")
    assert capture_kind.consent_beside(scan) == short
