"""Leaves out attributes that a small file can do without."""

from __future__ import annotations

from bodyscan.gltf.pack.arrays import Arrays
from bodyscan.gltf.pack.options import PackOptions


def reduce_attributes(arrays: Arrays, options: PackOptions) -> None:
    """Drop `_BODY_VERTEX`, tangents and the shapes' normals and tangents where the options say so."""
    unwanted = {"_BODY_VERTEX"} if not options.vertex_source else set()
    unwanted |= {"TANGENT"} if not options.tangents else set()
    of_shapes = unwanted | (set() if options.morph_normals else {"NORMAL", "TANGENT"})
    for primitive in arrays.primitives():
        groups = [(primitive["attributes"], unwanted)]
        groups += [(target, of_shapes) for target in primitive.get("targets", [])]
        for group, names in groups:
            for name in names & set(group):
                arrays.accessors[group.pop(name)].dropped = True
