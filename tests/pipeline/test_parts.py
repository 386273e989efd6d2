from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.fit import ExpressionFit
from bodyscan.pipeline import PipelineOptions
from bodyscan.pipeline.parts import face_of
from bodyscan.pipeline.stages import Stages
from bodyscan.rig.bind import bind_pose
from bodyscan.types import BodyFit, Capture, Mesh, Morph, Skeleton
from render.shapes import made_twin
from twin.faces import MODEL, own


def neutral() -> BodyFit:
    """The model as it is, as if it had been fitted."""
    body = Mesh(MODEL.template.astype(np.float64), MODEL.faces)
    count = MODEL.num_vertices
    skeleton = Skeleton(MODEL.joint_names, MODEL.parents, MODEL.pose(MODEL.zero_params()).joints)
    return replace(
        made_twin()[1], params=MODEL.zero_params(), body=body, surface=body, skin=body, skeleton=skeleton,
        coverage=np.ones(count, np.float32), clothing=np.zeros(count, np.float32),
    )  # fmt: skip


def smile() -> ExpressionFit:
    move = 0.8 * own("mouthSmileLeft") + 0.6 * own("mouthSmileRight")
    return ExpressionFit({}, move, np.zeros_like(move), np.eye(4), 0.0, 0.0, 9.0)


def shape(morphs: tuple[Morph, ...], name: str) -> np.ndarray:
    return next(morph.deltas for morph in morphs if morph.name == name)


@pytest.fixture(autouse=True)
def few_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three generic shapes at once, in the place of 52 that are adapted to the person."""
    ids = np.arange(3, dtype=np.int32)
    shapes = tuple(
        Morph(name, ids, np.full((3, 3), 0.05, np.float32))
        for name in ("mouthSmileLeft", "mouthSmileRight", "jawOpen")
    )
    monkeypatch.setattr("bodyscan.pipeline.parts.face_shapes", lambda *_: shapes)


OPTIONS = PipelineOptions(visemes=False)


def test_an_expression_that_was_fitted_before_is_taken_as_it_is():
    fit = neutral()
    bind = bind_pose(MODEL, fit, "captured")
    stages, found = Stages(None), smile()
    generic, none = face_of(fit, MODEL, bind, {}, OPTIONS, Stages(None))
    morphs, fits = face_of(fit, MODEL, bind, {"smile": found}, OPTIONS, stages)
    assert none == {}
    assert fits["smile"] is found
    assert [step.notes for step in stages.steps] == [("smile: the face moves by 9.0 mm",)]
    assert {morph.name for morph in morphs} == {morph.name for morph in generic}
    assert len(shape(generic, "mouthSmileLeft")) == 3
    assert len(shape(morphs, "mouthSmileLeft")) > 100
    assert np.array_equal(shape(morphs, "jawOpen"), shape(generic, "jawOpen"))


def test_an_expression_scan_that_cannot_be_used_is_told_by_its_name():
    fit = neutral()
    bind = bind_pose(MODEL, fit, "captured")
    nothing = Capture(Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]])))
    with pytest.raises(InputError, match="The expression scan 'smile' cannot be used: "):
        face_of(fit, MODEL, bind, {"smile": nothing}, OPTIONS, Stages(None))
