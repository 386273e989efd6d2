"""Runs in a process of its own: opens twin.fbx, twin.usdz and twin.blend of a folder, notes what they hold.

Arguments: the folder, and `again` to have Blender make GLBs of the FBX and of the .blend as well. Writes
FORMAT.look.npz and looks.json there. Shares no code with the package.
"""

from __future__ import annotations

import json
import math
import sys
import zipfile
from pathlib import Path
from typing import Any

import bpy as untyped_bpy  # pyright: ignore[reportMissingImports]
import numpy as np
from io_scene_fbx import parse_fbx  # pyright: ignore[reportMissingImports]
from mathutils import Matrix  # pyright: ignore[reportMissingImports]

bpy: Any = untyped_bpy
Y_UP = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
"""glTF's axes from Blender's."""


def in_place(points: np.ndarray, item: Any) -> np.ndarray:
    """Return points (N, 3) of an object in the world, in glTF axes."""
    matrix = Y_UP @ np.array(item.matrix_world)
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def taken(collection: Any, name: str, width: int, kind: Any = np.float64) -> np.ndarray:
    values = np.empty(len(collection) * width, kind)
    collection.foreach_get(name, values)
    return values.reshape(-1, width)


def scene() -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return arrays and facts of the scene that is open."""
    armature = next(item for item in bpy.data.objects if item.type == "ARMATURE")
    body = next(item for item in bpy.data.objects if item.type == "MESH")
    mesh, bones = body.data, armature.data.bones
    points = in_place(taken(mesh.vertices, "co", 3), body)
    turn = (Y_UP @ np.array(body.matrix_world))[:3, :3]
    weights = np.zeros((len(points), len(bones)))
    column = {bone.name: i for i, bone in enumerate(bones)}
    for vertex in mesh.vertices:
        for group in vertex.groups:
            weights[vertex.index, column[body.vertex_groups[group.group].name]] = group.weight
    blocks = list(mesh.shape_keys.key_blocks)[1:] if mesh.shape_keys else []
    shapes = [in_place(taken(block.data, "co", 3), body) - points for block in blocks]
    arrays = {
        "positions": points,
        "own_positions": taken(mesh.vertices, "co", 3, np.float32),
        "faces": taken(mesh.loops, "vertex_index", 1, np.int32).reshape(-1, 3),
        "uvs": taken(mesh.uv_layers[0].data, "uv", 2),
        "normals": taken(mesh.corner_normals, "vector", 3) @ turn.T,
        "weights": weights,
        "joints": np.array([Y_UP @ np.array(armature.matrix_world @ bone.matrix_local) for bone in bones]),
        "shapes": np.array(shapes).reshape(len(blocks), len(points), 3),
        "posed": posed(armature, body),
    }
    facts = {
        "joint_names": [bone.name for bone in bones],
        "parents": [bone.parent.name if bone.parent else "" for bone in bones],
        "shape_names": [block.name for block in blocks],
        "scales": [list(item.scale) for item in (*bpy.data.objects, *armature.pose.bones)],
        "consents": {item.name: item.get("bodyscan_consent") for item in (armature, body)},
        "texts": {text.name: text.as_string() for text in bpy.data.texts},
        "about": body.get("bodyscan_twin"),
        "images": sorted(image.name for image in bpy.data.images if image.packed_file),
        "objects": sorted(item.name for item in bpy.data.objects),
    }
    return arrays, facts


def posed(armature: Any, body: Any) -> np.ndarray:
    """Return the skin with the left arm lowered by 70 degrees and the mouth open."""
    bone = armature.pose.bones["leftUpperArm"]
    axis = np.array(armature.matrix_world)[:3, :3].T @ (0.0, -1.0, 0.0)
    head = bone.head.copy()
    turn = Matrix.Rotation(math.radians(70.0), 4, axis)
    bone.matrix = Matrix.Translation(head) @ turn @ Matrix.Translation(-head) @ bone.matrix
    body.data.shape_keys.key_blocks["jawOpen"].value = 1.0
    bpy.context.view_layer.update()
    mesh = body.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    points = in_place(taken(mesh.vertices, "co", 3), body)
    body.data.shape_keys.key_blocks["jawOpen"].value = 0.0
    bone.matrix_basis = Matrix()
    bpy.context.view_layer.update()
    return points


def raw_fbx(path: Path) -> dict[str, Any]:
    """Return what stands in the file itself: unit, axes, every node's own transform, the names of files."""
    root, _ = parse_fbx.parse(str(path))

    def children(element: Any, name: bytes) -> list[Any]:
        return [child for child in element.elems if child and child.id == name]

    def properties(element: Any) -> dict[str, list[Any]]:
        found = [entry.props for group in children(element, b"Properties70") for entry in group.elems]
        return {entry[0].decode(): entry[4:] for entry in found}

    objects = children(root, b"Objects")[0]
    models = {
        model.props[1].split(b"\0")[0].decode(): properties(model) for model in children(objects, b"Model")
    }
    # A default stands in the template and not beside the node.
    template = {}
    for kind in children(children(root, b"Definitions")[0], b"ObjectType"):
        if kind.props[0] == b"Model":
            template = properties(children(kind, b"PropertyTemplate")[0])
    moves = ("Lcl Rotation", "Lcl Scaling", "PreRotation", "GeometricScaling", "GeometricRotation")
    return {
        "settings": {
            name: value[:1] for name, value in properties(children(root, b"GlobalSettings")[0]).items()
        },
        "transforms": {
            name: {move: model.get(move, template.get(move)) for move in moves}
            for name, model in models.items()
        },
        "custom": sorted(name for name, model in models.items() if "bodyscan_consent" in model),
        "embedded": {
            children(video, b"RelativeFilename")[0].props[0].decode(): len(
                children(video, b"Content")[0].props[0]
            )
            for video in children(objects, b"Video")
        },
    }


def usdz(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return arrays and facts of a USDZ, read by the USD library alone."""
    from pxr import Usd, UsdGeom, UsdShade, UsdSkel, UsdUtils  # pyright: ignore[reportMissingImports]

    stage = Usd.Stage.Open(str(path))
    prims = list(stage.Traverse())
    mesh = next(UsdGeom.Mesh(prim) for prim in prims if prim.IsA(UsdGeom.Mesh))
    skeleton = next(UsdSkel.Skeleton(prim) for prim in prims if prim.IsA(UsdSkel.Skeleton))
    binding = UsdSkel.BindingAPI(mesh.GetPrim())
    points = np.array(mesh.GetPointsAttr().Get())
    joints = list(skeleton.GetJointsAttr().Get())
    indices = np.array(binding.GetJointIndicesAttr().Get()).reshape(len(points), -1)
    shares = np.array(binding.GetJointWeightsAttr().Get()).reshape(len(points), -1)
    weights = np.zeros((len(points), len(joints)))
    for place in range(indices.shape[1]):
        np.add.at(weights, (np.arange(len(points)), indices[:, place]), shares[:, place])
    names = list(binding.GetBlendShapesAttr().Get())
    shapes = np.zeros((len(names), len(points), 3))
    for shape, target in zip(shapes, binding.GetBlendShapeTargetsRel().GetTargets(), strict=True):
        prim = UsdSkel.BlendShape(stage.GetPrimAtPath(target))
        shape[np.array(prim.GetPointIndicesAttr().Get())] = np.array(prim.GetOffsetsAttr().Get())
    cache = UsdGeom.XformCache()
    inputs = {}
    for prim in prims:
        if prim.IsA(UsdShade.Shader) and UsdShade.Shader(prim).GetIdAttr().Get() == "UsdPreviewSurface":
            for name in ("diffuseColor", "roughness", "metallic", "normal"):
                entry = UsdShade.Shader(prim).GetInput(name)
                inputs[name] = "image" if entry and entry.HasConnectedSource() else str(entry and entry.Get())
    checker = UsdUtils.ComplianceChecker(arkit=True)
    checker.CheckCompliance(str(path))
    root = stage.GetDefaultPrim()
    body = mesh.GetPrim().GetParent()
    arrays = {
        "positions": points,
        "faces": np.array(mesh.GetFaceVertexIndicesAttr().Get()).reshape(-1, 3),
        "uvs": np.array(UsdGeom.PrimvarsAPI(mesh).GetPrimvar("st").Get()),
        "normals": np.array(mesh.GetNormalsAttr().Get()),
        "weights": weights,
        # USD multiplies row vectors.
        "joints": np.array(skeleton.GetBindTransformsAttr().Get()).transpose(0, 2, 1),
        "rest": np.array(skeleton.GetRestTransformsAttr().Get()).transpose(0, 2, 1),
        "shapes": shapes,
        "world": np.array(cache.GetLocalToWorldTransform(mesh.GetPrim())),
    }
    facts = {
        "joint_names": [joint.rsplit("/", 1)[-1] for joint in joints],
        "parents": [(["", *joint.split("/")])[-2] for joint in joints],
        "shape_names": names,
        "up": str(UsdGeom.GetStageUpAxis(stage)),
        "metres": UsdGeom.GetStageMetersPerUnit(stage),
        "consents": [
            stage.GetRootLayer().customLayerData.get("bodyscan_consent"),
            root.GetCustomDataByKey("bodyscan_consent"),
            root.GetAttribute("userProperties:bodyscan_consent").Get(),
            body.GetAttribute("userProperties:bodyscan_consent").Get(),
        ],
        "about": body.GetAttribute("userProperties:bodyscan_twin").Get(),
        "inputs": inputs,
        "complaints": [*checker.GetErrors(), *checker.GetFailedChecks(), *checker.GetWarnings()],
        "influences": int(indices.shape[1]),
        "files": zipfile.ZipFile(path).namelist(),
    }
    return arrays, facts


def usdz_in_blender(path: Path) -> dict[str, Any]:
    """Return the corners of the box around a USDZ in Blender, in glTF axes."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.usd_import(filepath=str(path))
    bpy.context.view_layer.update()
    body = next(item for item in bpy.data.objects if item.type == "MESH")
    points = in_place(taken(body.data.vertices, "co", 3), body)
    return {"low": points.min(axis=0).tolist(), "high": points.max(axis=0).tolist()}


def main() -> None:
    folder = Path(sys.argv[1])
    libraries = Path(bpy.utils.system_resource("PYTHON")) / "lib"
    sys.path.extend(str(path) for path in libraries.glob("python3.*/site-packages"))
    facts: dict[str, Any] = {}
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.fbx(filepath=str(folder / "twin.fbx"), use_custom_props=True)
    arrays, facts["fbx"] = scene()
    facts["fbx"]["raw"] = raw_fbx(folder / "twin.fbx")
    np.savez(folder / "fbx.look.npz", **arrays)
    if "again" in sys.argv:
        bpy.ops.export_scene.gltf(filepath=str(folder / "from_fbx.glb"), export_extras=True)
    bpy.ops.wm.open_mainfile(filepath=str(folder / "twin.blend"))
    arrays, facts["blend"] = scene()
    np.savez(folder / "blend.look.npz", **arrays)
    if "again" in sys.argv:
        bpy.ops.export_scene.gltf(filepath=str(folder / "from_blend.glb"), export_extras=True)
    arrays, facts["usdz"] = usdz(folder / "twin.usdz")
    np.savez(folder / "usdz.look.npz", **arrays)
    facts["usdz"]["in_blender"] = usdz_in_blender(folder / "twin.usdz")
    (folder / "looks.json").write_text(json.dumps(facts, default=bytes.decode), encoding="utf-8")


main()
