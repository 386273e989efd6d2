"""Puts a sewn garment around a body and lets it fall, on the CPU, with the cloth solver of Newton.

Nothing is moved by hand after the simulation: where the cloth lies is where the solver left it.
"""

from __future__ import annotations

from dataclasses import dataclass

import newton
import numpy as np
import open3d as o3d
import warp as wp
from newton.solvers import style3d
from pattern import Garment

START_GAP_M = 0.012
"""Clearance that every vertex is given at the start."""


@dataclass(frozen=True)
class Body:
    """What the cloth falls on: a closed mesh, metres, +Y up, facing +Z, and named points of it."""

    vertices: np.ndarray
    faces: np.ndarray
    trunk: np.ndarray
    """(V,) True for vertices of trunk, neck and head."""
    points: dict[str, np.ndarray]


class Skin:
    """Signed distances to a closed mesh."""

    def __init__(self, body: Body) -> None:
        self._scene = o3d.t.geometry.RaycastingScene(nthreads=2)
        self._scene.add_triangles(body.vertices.astype(np.float32), body.faces.astype(np.uint32))

    def distance(self, points: np.ndarray) -> np.ndarray:
        """(N,) metres, negative inside the body."""
        return self._scene.compute_signed_distance(points.astype(np.float32), nsamples=5).numpy()

    def pushed_out(self, points: np.ndarray, gap: float) -> np.ndarray:
        """Points nearer than `gap`, moved away from their nearest place on the skin."""
        found = self._scene.compute_closest_points(points.astype(np.float32))
        nearest, normals = found["points"].numpy(), found["primitive_normals"].numpy()
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        far = self.distance(points) >= gap
        return np.where(far[:, None], points, nearest + gap * normals)


def start_positions(garment: Garment, body: Body, skin: Skin) -> np.ndarray:
    """(N, 3) metres: the sewn garment around the body, outside of it everywhere, not yet at its own size."""
    places = np.zeros((len(garment.flat_points), 3))
    starts = garment.starts()
    for panel, begin, end in zip(garment.panels, starts, starts[1:], strict=False):
        place = _around_arm if panel.name.endswith("sleeve") else _around_trunk
        places[begin:end] = place(panel, body)
    count = int(garment.vertex_of_point.max()) + 1
    sums = np.zeros((count, 3))
    np.add.at(sums, garment.vertex_of_point, places)
    positions = sums / np.bincount(garment.vertex_of_point, minlength=count)[:, None]
    links = garment.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    degree = np.bincount(links.ravel(), minlength=count)[:, None]
    for _ in range(30):
        sums = np.zeros_like(positions)
        np.add.at(sums, links[:, 0], positions[links[:, 1]])
        np.add.at(sums, links[:, 1], positions[links[:, 0]])
        positions = skin.pushed_out(0.5 * positions + 0.5 * sums / degree, START_GAP_M)
    return positions


def _around_trunk(panel, body: Body) -> np.ndarray:
    """A point lies at its height, on a taut tape around the trunk; towards the shoulder, on top of it."""
    outside = 1.0 if panel.name == "front" else -1.0
    points = panel.points
    top = (body.points["left_neck_base"] + body.points["right_neck_base"])[1] / 2
    tip = points[panel.edges["shoulder_plus"][0]]
    neck = points[panel.edges["shoulder_plus"][-1]]
    under = points[panel.edges["armhole_plus"][0]]
    half_width = np.interp(points[:, 1], [panel.points[:, 1].min(), under[1]], [points[:, 0].max(), under[0]])
    across = points[:, 0] / half_width
    trunk = body.vertices[body.trunk]
    middle_z = body.points["left_waist"][2]
    out = np.empty((len(points), 3))
    for k, (share, height) in enumerate(zip(across, points[:, 1] + top, strict=True)):
        x, z = _on_tape(trunk, height, abs(share), middle_z, outside)
        out[k] = [np.sign(share) * x * outside, height, z]
    shoulder_y = np.interp(np.abs(points[:, 0]), [neck[0], tip[0]], [neck[1], tip[1]])
    climb = np.clip((points[:, 1] - under[1]) / (shoulder_y - under[1]), 0.0, 1.0) ** 2
    acromion = (body.points["left_acromion"] + body.points["right_acromion"]) / 2
    ridge = np.column_stack(
        [outside * points[:, 0], shoulder_y + top + 0.015, np.full(len(points), acromion[2])]
    )
    return out + climb[:, None] * (ridge - out)


def _on_tape(
    trunk: np.ndarray, height: float, share: float, middle_z: float, outside: float
) -> tuple[float, float]:
    """x, z of the place at `share` of the way from the front's (or back's) middle to the side."""
    near = trunk[np.abs(trunk[:, 1] - height) < 0.02]
    half = np.abs(near[:, 0]).max() + START_GAP_M
    depth = np.abs(near[:, 2] - middle_z)[(near[:, 2] - middle_z) * outside > 0].max() + START_GAP_M
    angle = np.linspace(0.0, np.pi / 2, 60)
    power = 0.8  # between an ellipse and a box, as trunks are
    line = np.column_stack([half * np.sin(angle) ** power, depth * np.cos(angle) ** power])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    x, z = (np.interp(share * along[-1], along, line[:, k]) for k in range(2))
    return float(x), float(middle_z + outside * z)


def _around_arm(panel, body: Body) -> np.ndarray:
    side = panel.name.split("_")[0]
    shoulder, elbow = body.points[f"{side}_acromion"], body.points[f"{side}_elbow_centre"]
    centre = body.points[f"{side}_shoulder_centre"]
    axis = elbow - centre
    axis /= np.linalg.norm(axis)
    top = np.array([0.0, 1.0, 0.0]) - axis * axis[1]
    top /= np.linalg.norm(top)
    forward = np.array([0.0, 0.0, 1.0])
    points = panel.points
    half = points[:, 0].max()
    radius = 2 * half / (2 * np.pi)
    angle = np.pi * points[:, 0] / half * (1.0 if side == "right" else -1.0)
    start = (shoulder - centre) @ axis
    along = start - points[:, 1]
    return (
        centre
        + along[:, None] * axis
        + radius * (np.cos(angle)[:, None] * top + np.sin(angle)[:, None] * forward)
    )


@dataclass(frozen=True)
class Cloth:
    """A cotton jersey, and how finely time is cut."""

    density_kg_m2: float = 0.20
    stretch_n_m: float = 1000.0
    bending_n_m: float = 2.0e-6
    thickness_m: float = 0.003
    """Clearance that the collision keeps between the cloth's vertices and the skin."""
    friction: float = 0.35
    seconds: float = 0.6
    frames_a_second: int = 60
    substeps: int = 8
    iterations: int = 10


def drape(garment: Garment, start: np.ndarray, body: Body, cloth: Cloth, on_frame=None) -> np.ndarray:
    """(N, 3) metres: where the garment comes to rest."""
    builder = newton.ModelBuilder(up_axis=newton.Axis.Y, gravity=(0.0, -9.81, 0.0))
    newton.solvers.SolverStyle3D.register_custom_attributes(builder)
    shape = builder.default_shape_cfg.copy()
    shape.mu = cloth.friction
    shape.margin = 0.0
    builder.add_shape_mesh(
        -1,
        mesh=newton.Mesh(body.vertices.astype(np.float32), body.faces.reshape(-1).astype(np.int32)),
        cfg=shape,
    )
    style3d.add_cloth_mesh(
        builder,
        pos=wp.vec3(0.0, 0.0, 0.0),
        rot=wp.quat_identity(),
        vel=wp.vec3(0.0, 0.0, 0.0),
        vertices=start.astype(np.float32).tolist(),
        indices=garment.triangles.reshape(-1).tolist(),
        panel_verts=garment.flat_points.astype(np.float32).tolist(),
        panel_indices=garment.flat_triangles.reshape(-1).tolist(),
        density=cloth.density_kg_m2,
        scale=1.0,
        particle_radius=cloth.thickness_m,
        tri_aniso_ke=wp.vec3(cloth.stretch_n_m, cloth.stretch_n_m, 0.3 * cloth.stretch_n_m),
        edge_aniso_ke=wp.vec3(cloth.bending_n_m, cloth.bending_n_m, cloth.bending_n_m),
    )
    model = builder.finalize()
    model.soft_contact_ke = 5.0e3
    model.soft_contact_kd = 1.0e-3
    model.soft_contact_mu = cloth.friction
    solver = newton.solvers.SolverStyle3D(
        model=model, config=newton.solvers.SolverStyle3D.Config(iterations=cloth.iterations)
    )
    pipeline = newton.CollisionPipeline(model)
    contacts, control = pipeline.contacts(), model.control()
    now, after = model.state(), model.state()
    step_s = 1.0 / cloth.frames_a_second / cloth.substeps
    for frame in range(round(cloth.seconds * cloth.frames_a_second)):
        solver.rebuild_bvh(now)
        for _ in range(cloth.substeps):
            pipeline.collide(now, contacts)
            solver.step(now, after, control, contacts, step_s)
            now, after = after, now
        if on_frame is not None:
            on_frame(frame, now.particle_q.numpy(), now.particle_qd.numpy())
    return now.particle_q.numpy().astype(np.float64)
