"""Which parts of the body a scan's colour says nothing about: eyeballs, teeth, tongue, mouth, eye sockets."""

from __future__ import annotations

import numpy as np

from bodyscan.body.model import BodyModel
from bodyscan.types import F64, Bool

OWN_PARTS = ("left_eye", "right_eye", "teeth", "tongue")


def has_hidden_parts(model: BodyModel) -> bool:
    """True for bodies with a mouth and eyeballs, such as the packaged ones."""
    return bool(model.inner.any()) and set(OWN_PARTS) <= set(model.region_names)


def hidden_vertices(model: BodyModel) -> Bool:
    """(V,) True where a scan's colour is not that of the vertex: inner parts, eyeballs, teeth, tongue."""
    hidden = np.array(model.inner)
    for name in OWN_PARTS:
        if name in model.region_names:
            hidden |= model.region(name)
    return hidden


def mouth_lining(model: BodyModel) -> Bool:
    """(V,) True for the inner skin of the head that is nearer to the teeth than to the eyes."""
    if not has_hidden_parts(model):
        return np.zeros(model.num_vertices, bool)
    inner = model.inner & model.region("head")
    teeth = model.template[model.region("teeth")].mean(axis=0)
    eyes = [model.template[model.region(name)].mean(axis=0) for name in ("left_eye", "right_eye")]
    to_teeth = np.linalg.norm(model.template - teeth, axis=1)
    to_eyes = np.min([np.linalg.norm(model.template - eye, axis=1) for eye in eyes], axis=0)
    return inner & (to_teeth < to_eyes)


def lip_line(model: BodyModel) -> F64:
    """(K, 3) places on the template where visible skin meets the mouth; empty without one."""
    mouth = mouth_lining(model)
    beside = model.faces[np.ptp(mouth[model.faces].astype(np.int8), axis=1) > 0]
    visible = np.unique(beside[~model.inner[beside]])
    return model.template[visible].astype(np.float64)


def eyeball(model: BodyModel, side: str) -> tuple[F64, float]:
    """Centre (3,) and radius, metres, of the `left` or `right` eyeball on the template."""
    points = model.template[model.region(f"{side}_eye")].astype(np.float64)
    return (points.max(axis=0) + points.min(axis=0)) / 2, float(np.ptp(points[:, 0]) / 2)
