from __future__ import annotations

from pathlib import Path

import pytest

from bodyscan.errors import InputError
from bodyscan.run.options import TwinOptions, for_target
from bodyscan.run.scan import Scanned
from bodyscan.run.twin import ReadJob
from bodyscan.run.twin_files import OtherTwin, twin_files
from bodyscan.types import Capture
from gltf.complete import complete_small_twin
from render.shapes import stick_person

from .fakes import DEMO, bound_twin, job_in


def read(folder: Path, other: str) -> ReadJob:
    job = job_in(folder, also={"mixamo": folder / other})
    nothing = Scanned(Capture(stick_person().mesh))
    return ReadJob(job, TwinOptions(), nothing, DEMO.text, DEMO.record)


def others(folder: Path) -> dict[str, OtherTwin]:
    job = job_in(folder)
    about = {"consent": DEMO.text, "controller_key": DEMO.controller_key, "use": job.use, "now": job.now}
    return {"mixamo": OtherTwin(bound_twin(about, "t"), for_target(TwinOptions(), "mixamo"))}


def test_the_files_of_the_twin_come_first_and_nothing_is_written(tmp_path):
    exported, contents = twin_files(read(tmp_path, "m.glb"), complete_small_twin(), others(tmp_path))
    assert exported.kinds == ("twin", "level 1", "level 2", "collision body", "mixamo")
    assert [file.path for file in exported.files] == list(contents)
    assert [file.size_bytes for file in exported.files] == [len(data) for data in contents.values()]
    assert exported.main.path == tmp_path / "twin.glb"
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_a_part_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"twin\.lod1\.glb is a part of the twin itself; give"):
        twin_files(read(tmp_path, "twin.lod1.glb"), complete_small_twin(), others(tmp_path))
