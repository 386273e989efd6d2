"""The files of a body folder."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
import yaml

from bodyscan.body.asset import load_body_model
from bodyscan.body.garment_measures import measure_garment
from bodyscan.body.measurements import measure_surface
from bodyscan.errors import InputError
from bodyscan.garment import FolderNotes, body_files, garment_body, write_folder
from bodyscan.garment import folder as folder_module
from bodyscan.garment.folder import GARMENTCODE_PARTS, skin_positions
from rig.people import fitted_person

MODEL = load_body_model("adult")
NOTES = FolderNotes("DEMO alba", "record-1", "bodyscan 0.0")
CONSENT = '{"made": "for this test"}'


@cache
def body():
    return garment_body(MODEL, fitted_person())


@cache
def files() -> dict[str, bytes]:
    fit = fitted_person()
    return body_files(body(), measure_surface(MODEL, fit.params, fit.skin.vertices), CONSENT, NOTES)


def test_the_obj_gives_back_every_vertex_to_the_last_bit_in_the_bodys_order() -> None:
    rows = [line.split() for line in files()["body.obj"].decode().splitlines()]
    vertices = np.array([row[1:] for row in rows if row[0] == "v"], np.float32)
    faces = np.array([row[1:] for row in rows if row[0] == "f"], int) - 1
    np.testing.assert_array_equal(vertices, skin_positions(body()))
    np.testing.assert_array_equal(faces, body().skin_faces)
    assert len(vertices) == MODEL.num_vertices


def test_the_yaml_is_one_that_garmentcode_reads() -> None:
    read = yaml.safe_load(files()["body.yaml"])
    assert list(read) == ["body"]
    found = {p.name: p.value for p in measure_garment(MODEL, body().vertices, body().joints)}
    assert read["body"] == pytest.approx(found, abs=1e-4)
    # GarmentCode puts the mesh into centimetres and hangs panels from its top by these.
    tall = 100 * np.ptp(body().closed_skin().vertices[:, 1])
    assert read["body"]["height"] == pytest.approx(tall, abs=0.001)


def test_parts_are_there_under_both_names_and_name_vertices_of_the_obj() -> None:
    parts = json.loads(files()["body_parts.json"])
    assert files()[GARMENTCODE_PARTS] == files()["body_parts.json"]
    assert sorted(v for ids in parts.values() for v in ids) == list(range(MODEL.num_vertices))


def test_measurements_name_the_clause_and_the_unit() -> None:
    table = json.loads(files()["measurements.json"])
    by_name = {m["name"]: m for m in table["measurements"]}
    assert table["unit"] == "cm"
    assert by_name["bust_girth"]["iso_8559_1"] == "5.3.4"
    assert all(m["description"] for m in by_name.values())


def test_landmarks_lie_within_the_body_that_is_written() -> None:
    table = json.loads(files()["landmarks.json"])
    low, high = body().vertices.min(axis=0) - 0.005, body().vertices.max(axis=0) + 0.005
    for group in ("landmarks", "garmentcode_points"):
        for name, place in table[group].items():
            assert (low <= place).all(), name
            assert (place <= high).all(), name


def test_everything_says_that_it_is_synthetic_and_whose_consent_it_is_under() -> None:
    for name in ("README.txt", "body.obj", "body.yaml"):
        head = files()[name][:500].decode().lower()
        assert "synthetic" in head, name
        assert NOTES.record_id in head, name
    for name in ("measurements.json", "landmarks.json"):
        assert json.loads(files()[name])["synthetic"] is True
    assert files()["consent.json"].decode() == CONSENT
    readme = files()["README.txt"].decode()
    assert all(name in readme for name in files() if name != "README.txt")


def test_a_folder_is_written_whole_into_a_new_or_an_empty_place(tmp_path) -> None:
    for place in (tmp_path / "new", tmp_path / "empty"):
        if place.name == "empty":
            place.mkdir()
        write_folder(place, {"a.txt": b"1", "b.txt": b"2"})
        assert {p.name: p.read_bytes() for p in place.iterdir()} == {"a.txt": b"1", "b.txt": b"2"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "new"]


def test_nothing_is_left_where_writing_fails(tmp_path, monkeypatch) -> None:
    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder_module.Path, "write_bytes", full)
    with pytest.raises(InputError, match=r"could not be written: No space left on device\. Nothing was left"):
        write_folder(tmp_path / "out", {"a.txt": b"1"})
    assert list(tmp_path.iterdir()) == []


def test_a_full_folder_a_file_and_a_missing_parent_are_refused(tmp_path) -> None:
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty; empty it, or give another one"):
        write_folder(tmp_path, {"a.txt": b"1"})
    with pytest.raises(InputError, match=r"kept.txt is no folder"):
        write_folder(tmp_path / "kept.txt", {})
    with pytest.raises(InputError, match="does not exist; make it"):
        write_folder(tmp_path / "no" / "out", {})
    assert (tmp_path / "kept.txt").read_text() == "mine"
