from __future__ import annotations

import os

import pytest

from bodyscan.errors import InputError
from bodyscan.run.outputs import check_output_file, check_output_folder, size_words


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "2 kB"), (2_800_000, "2.8 MB")]
)
def test_sizes_in_words(count, words):
    assert size_words(count) == words


def test_an_output_that_cannot_be_written_is_refused_before_the_work(tmp_path):
    scan = tmp_path / "scan.glb"
    scan.write_bytes(b"x")
    refusals = {
        tmp_path / "twin.fbx": r"twin\.fbx must end in \.glb",
        tmp_path / "nowhere" / "twin.glb": r"nowhere does not exist; make it",
        scan: r"scan\.glb is an input of this very run",
    }
    for path, words in refusals.items():
        with pytest.raises(InputError, match=words):
            check_output_file(path, ".glb", [scan])
    (tmp_path / "folder.glb").mkdir()
    with pytest.raises(InputError, match="is a folder; give the path of a file"):
        check_output_file(tmp_path / "folder.glb", ".glb")
    check_output_file(tmp_path / "new.glb", ".glb", [scan])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder.glb", "scan.glb"]  # nothing is left


def test_a_link_to_an_input_is_an_input(tmp_path):
    scan, link = tmp_path / "scan.glb", tmp_path / "link.glb"
    scan.write_bytes(b"x")
    os.link(scan, link)
    with pytest.raises(InputError, match="input of this very run"):
        check_output_file(link, ".glb", [scan])


def test_a_report_needs_a_folder_that_can_be_made(tmp_path):
    check_output_folder(tmp_path / "a" / "b")
    assert not (tmp_path / "a").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file is a file; give a folder"):
        check_output_folder(tmp_path / "file")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_leave_to_write_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="cannot be written to: Permission denied"):
        check_output_folder(tmp_path)
