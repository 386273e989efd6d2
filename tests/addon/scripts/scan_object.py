"""Scans of every kind and fitted surfaces as objects, one after the other in the same person."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy  # pyright: ignore[reportMissingImports]
import numpy as np
from bodyscan_blender import mesh_data, people  # pyright: ignore[reportMissingImports]
from bodyscan_blender.scan import looks, pictures, scan_object, scan_view  # pyright: ignore[reportMissingImports]
from bodyscan_blender.steps import import_capture, person_operators  # pyright: ignore[reportMissingImports]

from addon.edit_people import fit_of, scan_of, truth
from bodyscan.consent.demo import make_demo_consent
from bodyscan.errors import InputError
from bodyscan.steps.folder import WorkFolder
from bodyscan.types import SkinTextures, Texture

UPPER, LOWER = (200, 30, 40), (20, 60, 180)


def halves(size: int) -> np.ndarray:
    """A picture whose upper half is red and whose lower half is blue."""
    image = np.empty((size, size, 3), np.uint8)
    image[: size // 2], image[size // 2 :] = UPPER, LOWER
    return image


def leftovers() -> dict[str, int]:
    """What Blender would not save for nobody uses it."""
    kinds = ("meshes", "materials", "images", "node_groups")
    return {kind: sum(item.users == 0 for item in getattr(bpy.data, kind)) for kind in kinds}


def looked_up(item: Any) -> list[list[int]]:
    """The texture's colours at the highest and the lowest corner, as Blender looks them up."""
    image = next(n.image for n in item.data.materials[0].node_tree.nodes if n.type == "TEX_IMAGE")
    width, height = image.size
    pixels = np.empty(4 * width * height, np.float32)
    image.pixels.foreach_get(pixels)
    rows = pixels.reshape(height, width, 4)
    corners = np.empty(len(item.data.loops), np.int32)
    item.data.loops.foreach_get("vertex_index", corners)
    places = np.empty(3 * len(item.data.vertices), np.float32)
    item.data.vertices.foreach_get("co", places)
    up = places.reshape(-1, 3)[corners, 2]
    uvs = np.empty(2 * len(corners), np.float32)
    item.data.uv_layers[0].uv.foreach_get("vector", uvs)
    found = []
    for corner in (int(up.argmax()), int(up.argmin())):
        u, v = uvs.reshape(-1, 2)[corner]
        texel = rows[min(int(v * height), height - 1), min(int(u * width), width - 1), :3]
        found.append([round(float(value) * 255) for value in texel])
    return found


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    folder = Path(arguments["folder"])
    one = people.new_person(
        bpy.context.scene, "Ada", consent=make_demo_consent("Ada").text, folder=folder / "ada"
    )
    model, params = truth()
    scan = scan_of(model, params)
    return {
        "cloud": cloud(one, model, params),
        "textured": textured(one, scan),
        "plain": plain(one, scan),
        "thinned": thinned(one, scan),
        "surface": surface(one, model, params),
        "left over": leftovers(),
        "forgotten": forgotten(folder),
    }


def cloud(one: Any, model: Any, params: Any) -> dict[str, Any]:
    view = scan_view.view_scan(scan_of(model, params, cloud=True))
    item = scan_object.show_scan(one, view)
    bpy.context.view_layer.update()
    instances = bpy.context.evaluated_depsgraph_get().object_instances
    points = [len(i.object.data.points) for i in instances if i.object.type == "POINTCLOUD"]
    group = item.modifiers[0].node_group
    node = next(n for n in group.nodes if n.bl_idname == "GeometryNodeMeshToPoints")
    return {
        "vertices": len(item.data.vertices),
        "wanted": view.num_vertices,
        "faces": len(item.data.polygons),
        "points": points,
        "radius": node.inputs["Radius"].default_value,
        "wanted radius": view.point_radius_m,
        "colours": item.data.color_attributes.active_color.name,
        "material": bool(item.data.materials[0]),
    }


def textured(one: Any, scan: Any) -> dict[str, Any]:
    mesh = scan.mesh
    height = mesh.vertices[:, 1]
    share = (height - height.min()) / np.ptp(height)
    uvs = np.stack([np.full(len(share), 0.3), 1 - share], axis=1).astype(np.float32)
    with_texture = replace(scan, mesh=replace(mesh, uvs=uvs, colors=None), texture=Texture(halves(32)))
    item = scan_object.show_scan(one, scan_view.view_scan(with_texture))
    image = next(n.image for n in item.data.materials[0].node_tree.nodes if n.type == "TEX_IMAGE")
    return {
        "colours": looked_up(item),
        "packed": image.packed_file is not None,
        "space": image.colorspace_settings.name,
        "modifiers": len(item.modifiers),
        "objects": len(one.objects("scan")),
    }


def plain(one: Any, scan: Any) -> dict[str, Any]:
    item = scan_object.show_scan(
        one, scan_view.view_scan(replace(scan, mesh=replace(scan.mesh, colors=None)))
    )
    shader = next(n for n in item.data.materials[0].node_tree.nodes if n.type == "BSDF_PRINCIPLED")
    color = list(shader.inputs["Base Color"].default_value)
    return {"layers": len(item.data.color_attributes), "colour": np.allclose(color, looks.PLAIN)}


def thinned(one: Any, scan: Any) -> dict[str, Any]:
    view = scan_view.view_scan(scan, len(scan.mesh.faces) // 4)
    item = scan_object.show_scan(one, view)
    ids = mesh_data.get_values(item.data, scan_object.SCAN_VERTEX)
    return {
        "is thinned": view.is_thinned,
        "ids": bool((ids == view.vertex_ids).all()),
        "valid": not item.data.validate(),
        "wrong name": mesh_data.get_values(item.data, "position") is None,
    }


def surface(one: Any, model: Any, params: Any) -> dict[str, Any]:
    fit = fit_of(model, params, 1)
    item = scan_object.show_fit(one, fit)
    item.name = "my own name"
    textures = SkinTextures(halves(64), np.full((64, 64, 3), 128, np.uint8), np.full((64, 64), 90, np.uint8))
    scan_object.show_textures(one, pictures.skin_pictures(textures))
    spaces = {
        node.image.name.split()[-1]: node.image.colorspace_settings.name
        for node in item.data.materials[0].node_tree.nodes
        if node.type == "TEX_IMAGE"
    }
    again = scan_object.show_fit(one, fit, skin=True)
    places = np.empty(3 * len(again.data.vertices), np.float32)
    again.data.vertices.foreach_get("co", places)
    x_z_y = places.reshape(-1, 3)
    return {
        "spaces": spaces,
        "same object": again == item and again.name == "my own name",
        "plain again": not any(n.type == "TEX_IMAGE" for n in again.data.materials[0].node_tree.nodes),
        "images": len(bpy.data.images),
        "is skin": float(np.abs(x_z_y[:, 2] - fit.skin.vertices[:, 1]).max()),
        "faces forward": bool(x_z_y[model.region("left_eye"), 1].mean() < x_z_y[:, 1].mean()),
        "uv corners": len(again.data.uv_layers[0].uv),
        "unknown body": scan_object.body_uvs("somebody's own") is None,
        "valid": not again.data.validate(),
    }


def forgotten(folder: Path) -> dict[str, Any]:
    """Folders are deleted where they are a person's, and not where a file names another place."""
    root, home = folder / "people", folder / "home"
    root.mkdir()
    home.mkdir()
    (home / "letter.txt").write_text("dear")
    for name, age_s in (("old", 2 * 86400), ("young", 60)):
        path = WorkFolder.create(root / name).path
        os.utime(path, (time.time() - age_s,) * 2)
    os.utime(home, (0, 0))
    import_capture.forget_unfinished(root)
    unfinished = sorted(path.name for path in root.iterdir())
    shutil.rmtree(root / "young")
    inside = WorkFolder.create(root / "ada").path
    (root / "damaged").mkdir()
    (root / "damaged" / "rest.bin").write_text("half")
    outside = WorkFolder.create(folder / "elsewhere").path
    link = root / "link"
    link.symlink_to(home)
    refused = []
    for path in (home, link):
        try:
            person_operators.forget_folder(path, root)
        except InputError as error:
            refused.append(str(error))
    for path in (inside, root / "damaged", outside, root / "gone"):
        person_operators.forget_folder(path, root)
    return {
        "unfinished": unfinished,
        "refused": len(refused),
        "letter": (home / "letter.txt").exists(),
        "left": sorted(path.name for path in root.iterdir()),
        "outside": outside.exists(),
    }
