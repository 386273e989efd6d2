"""Which part of a person each vertex belongs to, in the words of cloth simulators.

GarmentCode (Korosteleva and others, "GarmentCodeData", 2024) reads a table of part -> vertices beside a body:
it finds the part that a panel lies on, keeps sleeves from colliding with the trunk and skirts with the arms,
and leaves `face_internal` out of collision. The parts here are made of the regions of the packaged body.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.geometry.components import link_components
from bodyscan.types import I32, Bool

ARM = ("upper_arm", "lower_arm", "hand")
LEG = ("upper_leg", "lower_leg", "foot")
BODY_PARTS = ("body", "left_arm", "right_arm", "left_leg", "right_leg", "face_internal")
"""GarmentCode's names; every vertex is in one part. The trunk, neck and head together are `body`."""


def body_parts(model: BodyModel) -> Mapping[str, I32]:
    """Part of `BODY_PARTS` -> its vertices, ascending int32; every vertex is in exactly one.

    `face_internal` holds what no cloth can touch: mouth and eye sockets, eyeballs, teeth, tongue. Raises
    `InputError` for a model without regions.
    """
    if not len(model.region_names):
        raise InputError(
            f"The model '{model.name}' does not say which vertex belongs to which part of the body; load the "
            "packaged body with load_body_model('adult')."
        )
    inner = model.inner | ~skin_vertices(model)
    limbs = {
        f"{side}_{limb}": model.region(*(f"{side}_{part}" for part in parts)) & ~inner
        for limb, parts in (("arm", ARM), ("leg", LEG))
        for side in ("left", "right")
    }
    trunk = ~inner & ~np.any(list(limbs.values()), axis=0)
    masks = {"body": trunk, **limbs, "face_internal": inner}
    return {name: np.flatnonzero(masks[name]).astype(np.int32) for name in BODY_PARTS}


@lru_cache(maxsize=4)
def skin_vertices(model: BodyModel) -> Bool:
    """(V,) True for the largest connected piece: the skin with the lining of mouth and eye sockets."""
    faces = model.faces
    labels = link_components(faces[:, [0, 1]].reshape(-1), faces[:, [1, 2]].reshape(-1), model.num_vertices)
    skin: Bool = labels == np.bincount(labels).argmax()
    return skin


def skin_faces(model: BodyModel) -> I32:
    """(F, 3) int32 into all vertices: the faces of `skin_vertices`, closed on the packaged body."""
    faces: I32 = model.faces[skin_vertices(model)[model.faces[:, 0]]]
    return faces
