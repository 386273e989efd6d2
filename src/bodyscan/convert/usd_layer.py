"""A USD layer as Blender writes it -> a package that says of itself what a twin's must. Knows no Blender.

`in_blender.py` imports this file by its bare name, in its own process: the USD library (`pxr`) comes with
Blender and is found only there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pxr import Sdf, Usd, UsdGeom, UsdShade, UsdSkel, UsdUtils  # pyright: ignore[reportMissingImports]


def finish_layer(layer: Path, name: str, record: str) -> None:
    """Say that Y is up, put the record where USD keeps what it does not know, and make the shapes sparse.

    `name` is the record's; it stands in the custom data of the layer and of the root prim, and in a property
    of the latter.
    """
    stage = Usd.Stage.Open(str(layer))
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    root = stage.GetDefaultPrim()
    # Blender would pass over a root that it made itself, and the turn to its own axes with it.
    root.ClearCustomData()
    root.SetCustomDataByKey(name, record)
    root.CreateAttribute(f"userProperties:{name}", Sdf.ValueTypeNames.String, True).Set(record)
    stage.GetRootLayer().customLayerData = {name: record}
    skeleton = mesh = None
    for prim in stage.Traverse():
        if prim.IsA(UsdSkel.BlendShape):
            # Blender writes every vertex of every shape: five times the size for zeros.
            shape = UsdSkel.BlendShape(prim)
            offsets = np.array(shape.GetOffsetsAttr().Get(), np.float32).reshape(-1, 3)
            indices = np.array(shape.GetPointIndicesAttr().Get(), np.int32)
            moved = offsets.any(axis=1)
            moved[:1] |= not moved.any()  # no vertex at all would be read as every vertex
            shape.GetOffsetsAttr().Set(offsets[moved])
            shape.GetPointIndicesAttr().Set(indices[moved])
        elif prim.IsA(UsdSkel.Skeleton):
            skeleton = prim
        elif prim.IsA(UsdGeom.Mesh):
            mesh = prim
    for prim in [prim for prim in stage.Traverse() if prim.IsA(UsdSkel.Animation)]:
        # Blender writes the shapes' weights in an order of its own, and binds them to nothing.
        names = UsdSkel.BindingAPI(mesh).GetBlendShapesAttr().Get()
        animation = UsdSkel.Animation(prim)
        animation.GetBlendShapesAttr().Set(names)
        animation.GetBlendShapeWeightsAttr().Set([0.0] * len(names))
        UsdSkel.BindingAPI(skeleton).CreateAnimationSourceRel().SetTargets([prim.GetPath()])
    # A fresh layer: saving in place would keep the zeros as holes in the file.
    stage.GetRootLayer().Export(str(layer.with_name("small.usdc")))
    layer.with_name("small.usdc").replace(layer)


def pack(layer: Path, package: Path) -> bool:
    """Write a layer and the images that it names as one USDZ file; return whether that was done."""
    return bool(UsdUtils.CreateNewUsdzPackage(Sdf.AssetPath(str(layer)), str(package)))


def look_at_package(path: Path, name: str) -> dict[str, Any]:
    """Read a USDZ anew, with the USD library alone, and return what it holds."""
    stage = Usd.Stage.Open(str(path))
    root = stage.GetDefaultPrim()
    places = {
        "the layer's custom data": stage.GetRootLayer().customLayerData.get(name),
        f"the custom data of {root.GetPath()}": root.GetCustomDataByKey(name),
    }
    found: dict[str, Any] = {"shapes": [], "images": 0, "places": places}
    for prim in stage.Traverse():
        if (kept := prim.GetAttribute(f"userProperties:{name}")).HasAuthoredValue():
            places[f"a property of {prim.GetPath()}"] = kept.Get()
        if prim.IsA(UsdSkel.Skeleton):
            skeleton = UsdSkel.Skeleton(prim)
            found["joint_names"] = [joint.rsplit("/", 1)[-1] for joint in skeleton.GetJointsAttr().Get()]
            found["joints"] = np.array(skeleton.GetBindTransformsAttr().Get())[:, 3, :3]
        elif prim.IsA(UsdGeom.Mesh):
            mesh = UsdGeom.Mesh(prim)
            found["positions"] = np.array(mesh.GetPointsAttr().Get())
            found["triangles"] = len(mesh.GetFaceVertexCountsAttr().Get())
            found["shapes"] = list(UsdSkel.BindingAPI(prim).GetBlendShapesAttr().Get() or [])
        elif prim.IsA(UsdShade.Shader) and (file := UsdShade.Shader(prim).GetInput("file")):
            # Inside the package a resolved path is `PACKAGE[PLACE]`.
            found["images"] += "[" in file.Get().resolvedPath
    return found
