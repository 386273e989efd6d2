"""A rig of depth cameras, and the fusion of what they see into one surface.

The frames are exact depth pictures by ray casting; they are fused in a truncated signed distance volume
(Curless and Levoy 1996) by Open3D, as handheld and rig scanners do it. So the surface has a topology of
its own, and what no camera sees (armpits, crotch, soles, between fingers) is missing or bridged.
Tried first in its place: Poisson reconstruction of the visible points; it closes every hole with a
balloon that has to be cut away again, and no scanner's mesh looks so smooth at the rims.
Open3D's `VoxelBlockGrid` in place of its older volume: 23 s of CPU time and 4.2 GB for 4.2 million triangles,
where this takes 19 s and 3.1 GB.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.errors import StageError
from bodyscan.geometry.components import face_components
from bodyscan.geometry.decimate import simplify
from bodyscan.geometry.raycast import Raycaster
from bodyscan.geometry.view import View
from bodyscan.geometry.weld import used_vertices
from bodyscan.simulate.options import RawScanOptions
from bodyscan.types import F64, Mesh

RING_HEIGHTS = (0.18, 0.52, 0.86, 1.18)
"""Shares of the person's height at which a ring of cameras stands."""
CLEARANCE_M = 0.85
TRUNCATION_VOXELS = 2.5
LARGEST_VOXEL = 0.0023
"""Share of the person's height: fingers are the finest parts that must come through, a child's too."""
OVERSAMPLING = 1.4
"""Triangles out of the volume for each that is asked for, were nearly all of the scene seen: decimation makes
them irregular, as scanners' files are. A third of the scene may be unseen (behind long hair, under a stand).
Half as many again, and rays over whole pictures: 76 s of CPU time for 2 million triangles; so, 49 s."""
TRIANGLES_A_SQUARE = 2.8
"""Marching cubes makes 3 triangles for each square of a voxel's side, on a surface that lies in any direction
(it meets 1.5 of the grid's edges there); a twentieth of a bare person is not seen."""
SMALLEST_PART = 0.002
"""Connected parts with fewer than this share of the triangles are noise of the fusion."""


@dataclass(frozen=True)
class Frame:
    """What one camera of the simulated scanner saw."""

    view: View
    depth_m: np.ndarray
    """(H, W) float32, 0 where nothing came back."""
    color: np.ndarray
    """(H, W, 3) uint8."""


def scan_scene(rng: np.random.Generator, scene: Mesh, person: F64, options: RawScanOptions) -> Mesh:
    """The fused surface of `scene` with about `target_faces` triangles, world frame, with colours.

    `person` (N, 3): the points that the cameras are aimed at. Raises `StageError` where nothing was seen.
    """
    height_m = float(np.ptp(person[:, 1]))
    voxel = (
        _voxel_size(scene, height_m, options.target_faces)
        if options.voxel_mm is None
        else options.voxel_mm / 1000
    )
    caster = Raycaster(scene)
    frames = (_take(rng, caster, view, options) for view in camera_rig(person, options.num_cameras, voxel))
    fused = fuse(frames, voxel)
    if not len(fused.faces):
        raise StageError("The simulated cameras saw no surface; raise max_angle_deg or num_cameras.")
    mesh = simplify(_without_dust(fused), options.target_faces)
    return mesh if options.depth_step_mm else _on_surface(mesh, caster, 1.5 * voxel)


def _on_surface(mesh: Mesh, caster: Raycaster, reach_m: float) -> Mesh:
    """Take out the volume's own grid error (0.3 to 1.3 mm, outwards) where it is no longer than `reach_m`.

    What is left of a scan's errors is then what the options say, so that an error can be told from another.
    """
    distance, face_ids, nearest = caster.closest(mesh.vertices)
    near = (distance < reach_m)[:, None]
    corners = caster.mesh.faces[face_ids]
    away = np.linalg.norm(caster.mesh.vertices[corners] - nearest[:, None], axis=2)
    closest_corner = np.take_along_axis(corners, away.argmin(axis=1)[:, None], axis=1)[:, 0]
    sharp, fused = np.asarray(caster.mesh.colors)[closest_corner], np.asarray(mesh.colors)
    # Half of the cameras' own picture: decimation has washed out eyes and seams.
    colors = np.where(near, (sharp.astype(np.uint16) + fused) // 2, fused).astype(np.uint8)
    return Mesh(np.where(near, nearest, mesh.vertices), mesh.faces, colors=colors)


def camera_rig(person: F64, count: int, pixel_m: float) -> list[View]:
    """Views on rings around a standing person, their pixels about `pixel_m` wide on the skin."""
    low, high = person.min(axis=0), person.max(axis=0)
    middle, height = (low + high) / 2, float(high[1] - low[1])
    reach = float(np.linalg.norm((high - low)[[0, 2]])) / 2 + CLEARANCE_M
    seen_m = max(0.75 * height, float((high - low)[0]) + 0.1)
    views = []
    for k in range(count):
        ring = k % len(RING_HEIGHTS)
        turn = 2 * np.pi * (k / count + 0.37 * ring)
        level = low[1] + RING_HEIGHTS[ring] * height
        eye = np.array([middle[0] + reach * np.sin(turn), level, middle[2] + reach * np.cos(turn)])
        aim = np.array([middle[0], low[1] + (0.22 + 0.56 * RING_HEIGHTS[ring] / 1.18) * height, middle[2]])
        rows = int(np.clip(seen_m / pixel_m, 96, 2400))
        columns = int(rows * np.clip((float((high - low)[0]) + 0.15) / seen_m, 0.5, 1.0))
        focal = rows * reach / seen_m
        views.append(View.look_at(eye, aim, (0.0, 1.0, 0.0), focal, columns, rows))
    return views


def _take(rng: np.random.Generator, caster: Raycaster, view: View, options: RawScanOptions) -> Frame:
    seen = caster.look(view)
    corners = caster.mesh.vertices[caster.mesh.faces[seen.face_ids]]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    to_eye = -seen.rays @ view.camera_from_world[:3, :3]
    slant = np.abs(np.einsum("nk,nk->n", normals, to_eye)) / np.maximum(
        np.linalg.norm(normals, axis=1), 1e-30
    )
    returned = slant > np.cos(np.radians(options.max_angle_deg))
    depth = np.zeros(view.height * view.width, np.float32)
    depth[seen.pixels] = np.where(returned, seen.depth, 0.0)
    depth = depth.reshape(view.height, view.width)
    if options.depth_step_mm:
        depth = _quantised(rng, depth, options.depth_step_mm / 1000)
    color = np.zeros((view.height * view.width, 3), np.uint8)
    rgb = caster.interpolate(np.asarray(caster.mesh.colors), seen.face_ids, seen.barycentric)
    color[seen.pixels] = np.clip(np.rint(rgb), 0, 255)
    return Frame(view, depth, color.reshape(view.height, view.width, 3))


def _quantised(rng: np.random.Generator, depth: np.ndarray, step_at_1m: float) -> np.ndarray:
    """Disparity in whole steps with half a step of jitter (Khoshelham and Elberink 2012)."""
    seen = depth > 0
    disparity = 1 / np.where(seen, depth, 1.0) / step_at_1m
    steps = np.maximum(np.round(disparity + rng.normal(0, 0.35, depth.shape)), 1)
    return np.where(seen, 1 / (steps * step_at_1m), 0).astype(np.float32)


def fuse(frames, voxel_m: float) -> Mesh:
    """One surface from depth frames; vertices and triangles in an order that does not depend on memory.

    Open3D's volume opens a parallel region for each block of voxels. Where other work shares the cores,
    threads that spin between the regions took 284 s for what sleeping ones do in 12: a program that simulates
    should set `OMP_WAIT_POLICY=passive` before Open3D is loaded, as the command line and the benchmarks do.
    """
    import open3d as o3d

    volume = o3d.pipelines.integration.ScalableTSDFVolume(
        voxel_length=voxel_m,
        sdf_trunc=TRUNCATION_VOXELS * voxel_m,
        color_type=o3d.pipelines.integration.TSDFVolumeColorType.RGB8,
    )
    for frame in frames:
        picture = o3d.geometry.RGBDImage.create_from_color_and_depth(
            o3d.geometry.Image(np.ascontiguousarray(frame.color)),
            o3d.geometry.Image(np.ascontiguousarray(frame.depth_m)),
            depth_scale=1.0, depth_trunc=20.0, convert_rgb_to_intensity=False,
        )  # fmt: skip
        K = frame.view.K
        # This volume takes pixel (0, 0) to lie at its own middle; ours lies at (0.5, 0.5).
        camera = o3d.camera.PinholeCameraIntrinsic(
            frame.view.width, frame.view.height, K[0, 0], K[1, 1], K[0, 2] - 0.5, K[1, 2] - 0.5
        )
        volume.integrate(picture, camera, np.array(frame.view.camera_from_world))
    mesh = volume.extract_triangle_mesh()
    return _sorted(
        np.asarray(mesh.vertices), np.asarray(mesh.triangles), np.asarray(mesh.vertex_colors).reshape(-1, 3)
    )


def _sorted(vertices: F64, faces: np.ndarray, colors: np.ndarray) -> Mesh:
    order = np.lexsort(vertices.T[::-1])
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    faces = place[faces]
    # Begin each triangle at its lowest corner: same winding, one order.
    faces = np.take_along_axis(faces, (faces.argmin(axis=1)[:, None] + np.arange(3)) % 3, axis=1)
    faces = faces[np.lexsort(faces.T[::-1])]
    rgb = np.clip(np.rint(colors[order] * 255), 0, 255).astype(np.uint8)
    return Mesh(vertices[order], faces.astype(np.int32), colors=rgb)


def _without_dust(mesh: Mesh) -> Mesh:
    part = face_components(mesh.faces, len(mesh.vertices))
    counts = np.bincount(part)
    faces = mesh.faces[counts[part] >= SMALLEST_PART * len(part)]
    used, faces = used_vertices(faces, len(mesh.vertices))
    colors = None if mesh.colors is None else mesh.colors[used]
    return Mesh(mesh.vertices[used], faces, colors=colors)


def _voxel_size(scene: Mesh, height_m: float, target_faces: int) -> float:
    corners = scene.vertices[scene.faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = float(np.linalg.norm(cross, axis=1).sum()) / 2
    voxel = float(np.sqrt(TRIANGLES_A_SQUARE * area / (OVERSAMPLING * target_faces)))
    return min(voxel, LARGEST_VOXEL * height_m)
