"""Draws the manual's pictures: each step of a session on the sample woman, by the add-on's own button."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import bpy  # pyright: ignore[reportMissingImports]
import numpy as np
from bodyscan_blender.edit import landmarks  # pyright: ignore[reportMissingImports]
from mathutils import Vector  # pyright: ignore[reportMissingImports]

from addon.inside import NAME
from addon.scripts.stepping import person

SIZE = (480, 640)


def studio() -> None:
    """Grey walls, a soft key light from the left and a weaker one from the right."""
    scene = bpy.context.scene
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    for name, place, energy in (("key", (-1.6, -2.4, 2.4), 160.0), ("fill", (2.2, -2.0, 1.6), 60.0)):
        light = bpy.data.objects.new(name, bpy.data.lights.new(name, "AREA"))
        light.data.energy, light.data.size, light.location = energy, 1.6, place
        light.rotation_euler = (Vector((0, 0, 1.0)) - light.location).to_track_quat("-Z", "Y").to_euler()
        scene.collection.objects.link(light)
    world = bpy.data.worlds.new("studio")
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs[0].default_value = (0.32, 0.33, 0.35, 1)
    scene.world = world
    scene.render.engine = "CYCLES"
    scene.cycles.device, scene.cycles.samples, scene.cycles.use_denoising = "CPU", 24, True
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    scene.render.image_settings.file_format = "JPEG"
    scene.view_settings.view_transform = "Standard"


def look(low: float, high: float, around_deg: float = 0.0) -> None:
    """Fill the picture's height with what lies between two heights, metres."""
    camera = bpy.context.scene.camera
    middle, height = Vector((0, 0, (low + high) / 2)), (high - low) * 1.08
    camera.data.lens, camera.data.sensor_fit, camera.data.sensor_height = 60, "VERTICAL", 24
    distance = height * camera.data.lens / camera.data.sensor_height
    turn = np.radians(around_deg)
    camera.location = middle + Vector((np.sin(turn) * distance, -np.cos(turn) * distance, 0))
    camera.rotation_euler = (middle - camera.location).to_track_quat("-Z", "Y").to_euler()


def picture(folder: Path, name: str) -> None:
    """By the add-on's button."""
    scene = bpy.context.scene
    scene.bodyscan.purpose = "render"
    bpy.ops.bodyscan.render(filepath=str(folder / f"{name}.jpg"))
    scene.bodyscan.purpose = "make_twin"


def balls() -> list[Any]:
    """Landmarks are empties, which no renderer draws: a ball stands at each for the picture."""
    material = bpy.data.materials.new("landmark")
    material.use_nodes = True
    shader = material.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (1.0, 0.35, 0.02, 1)
    made = []
    for item in landmarks.by_name(person()).values():
        bpy.ops.mesh.primitive_uv_sphere_add(radius=0.008, location=item.matrix_world.translation)
        ball = bpy.context.active_object
        ball.location.y -= 0.12  # before the skin, as the viewport shows them
        ball.data.materials.append(material)
        made.append(ball)
    return made


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    folder, home = Path(arguments["folder"]), Path(arguments["home"])
    preferences = bpy.context.preferences.addons[NAME].preferences
    preferences.work_root, preferences.ledger = str(home / "people"), str(home / "ledger.sqlite")
    os.environ["PATH"] = os.pathsep.join([arguments["programs"], os.environ["PATH"]])
    ops = bpy.ops.bodyscan
    studio()
    look(0.0, 1.75)
    ops.import_capture(filepath=arguments["scan"], consent=arguments["consent"])
    picture(folder, "1_scan")
    ops.fit()
    ops.heat_map()
    picture(folder, "2_heat_map")
    ops.heat_map()
    ops.view(view="scan")
    ops.landmarks_show()
    made = balls()
    picture(folder, "3_landmarks")
    for ball in made:
        bpy.data.objects.remove(ball, do_unlink=True)
    landmarks.by_name(person())["left_wrist"].location.x += 0.01
    ops.refit()
    ops.make_twin(size="2048", pose="a")
    one = person()
    look(0.0, 1.75, 20)
    picture(folder, "4_twin")
    bpy.context.view_layer.objects.active = one.object("twin")
    ops.pose(pose="contrapposto")
    picture(folder, "5_contrapposto")
    ops.pose(pose="a")
    ops.put_on_shirt()
    ops.drape(frames=20)
    picture(folder, "6_shirt")
    ops.take_off_shirt()
    ops.expression(expression="smile")
    top = max((one.object("twin").matrix_world @ Vector(c)).z for c in one.object("twin").bound_box)
    look(top - 0.42, top + 0.04, 15)
    picture(folder, "7_smile")
    bpy.context.scene.bodyscan.purpose = "export"
    ops.export_twin(filepath=str(home / "twin.glb"))
    return {"pictures": sorted(path.name for path in folder.glob("*.jpg"))}
