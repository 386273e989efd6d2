"""Open3D 0.19's own ways from RGB-D frames to a surface, on the same frames cut to the person by our masks.

Four methods, all of Open3D's own calls:

- `open3d-tsdf`: given poses, `VoxelBlockGrid` (3 mm voxels, truncation 8 voxels, surface of 3 frames).
- `open3d-slam`: `t.pipelines.slam`, dense frame-to-model tracking and a voxel grid, as in its example.
- `open3d-system`: the published reconstruction system (Choi, Zhou and Koltun 2015, "Robust reconstruction of
  indoor scenes", and Open3D's `reconstruction_system` example): hybrid RGB-D odometry between neighbours,
  fragments, FPFH and RANSAC between fragments, multi-scale ICP, a pose graph with line processes, refinement,
  TSDF. Its sizes are made for rooms; here they are a person's: fragments of 12 frames (100), 15 mm for
  features and ICP (50), 3 mm for the TSDF (6). Its edges between keyframes inside a fragment are left out.
- `open3d-system-plane`: the same with point-to-plane odometry, which suits a person with few colour edges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bodyscan.geometry.load_open3d import load_open3d
from bodyscan.reconstruct.depth.segment import segment_frames
from bodyscan.reconstruct.mediapipe_detector import PersonDetector
from bodyscan.types import F64, DepthCapture, DepthFrame, Mesh

VOXEL_M, TRUNCATION_VOXELS, LEAST_WEIGHT = 0.003, 8.0, 3.0
DEPTH_MAX_M = 6.0
FRAGMENT = 12
REGISTER_M = 0.015
SLAM_VOXEL_M, SLAM_DEPTH_DIFF_M = 0.004, 0.07
BLOCKS = 40_000
LEAST_OVERLAP = 0.30
"""Of the registration of two fragments; as published."""


@dataclass(frozen=True, eq=False)
class PeerResult:
    """What a method made of the frames."""

    mesh: Mesh
    world_from_camera: F64
    """(N, 4, 4) metres, in a world of its own."""
    said: str = ""


@dataclass(frozen=True)
class Peer:
    """A method."""

    work: Callable[[Sequence[DepthFrame]], PeerResult]
    poses: str
    """`given` or `track`."""


def masked_frames(capture: DepthCapture) -> list[DepthFrame]:
    """The frames with the person alone in them, by our own masks; those without the person are left out."""
    with PersonDetector() as detector:
        cut = segment_frames(capture.frames, detector, up=capture.up)
    frames = []
    for k in cut.kept:
        frame, mask = capture.frames[k], cut.masks[k]
        depth = np.where(mask, frame.depth_m, np.float32(0))
        frames.append(replace(frame, depth_m=depth))
    return frames


def tsdf(frames: Sequence[DepthFrame]) -> PeerResult:
    """`VoxelBlockGrid` with the poses that come with the frames."""
    poses = np.array([frame.world_from_camera for frame in frames])
    return PeerResult(_integrated(frames, poses), poses)


def slam(frames: Sequence[DepthFrame]) -> PeerResult:
    """Dense tracking of each frame against the model of those before it."""
    o3d = load_open3d()
    core, t = o3d.core, o3d.t
    device = core.Device("CPU:0")
    height, width = frames[0].depth_m.shape
    K = core.Tensor(_corner_k(frames[0].K))
    pose = np.eye(4)
    model = t.pipelines.slam.Model(SLAM_VOXEL_M, 16, BLOCKS, core.Tensor(pose), device)
    seen = t.pipelines.slam.Frame(height, width, K, device)
    known = t.pipelines.slam.Frame(height, width, K, device)
    poses, lost = [], 0
    for k, frame in enumerate(frames):
        seen.set_data_from_image("depth", t.geometry.Image(core.Tensor(_depth(frame))))
        seen.set_data_from_image("color", t.geometry.Image(core.Tensor(_color(frame)).to(core.float32)))
        if k:
            try:
                found = model.track_frame_to_model(seen, known, 1.0, DEPTH_MAX_M, SLAM_DEPTH_DIFF_M)
                pose = pose @ found.transformation.numpy()
            except RuntimeError:  # too few pixels meet the model: the frame stays where the last one was
                lost += 1
        poses.append(pose)
        model.update_frame_pose(k, core.Tensor(pose))
        model.integrate(seen, 1.0, DEPTH_MAX_M, TRUNCATION_VOXELS)
        model.synthesize_model_frame(known, 1.0, 0.1, DEPTH_MAX_M, TRUNCATION_VOXELS, False)
    mesh = _mesh(model.extract_trianglemesh(LEAST_WEIGHT))
    return PeerResult(mesh, np.array(poses), f"{lost} frames lost" if lost else "")


def system(frames: Sequence[DepthFrame], plane: bool = False) -> PeerResult:
    """Fragments by odometry, registered with each other, a pose graph over them, one integration."""
    o3d = load_open3d()
    o3d.utility.random.seed(0)
    step = _plane_step if plane else _hybrid_step
    starts = list(range(0, len(frames), FRAGMENT))
    inside: list[list[F64]] = []  # of each fragment: fragment_from_camera of its frames, and of the next one
    failed = 0
    for start in starts:
        chain = [np.eye(4)]
        for k in range(start, min(start + FRAGMENT, len(frames) - 1)):
            found, ok = step(frames[k + 1], frames[k])
            failed += not ok
            chain.append(chain[-1] @ found)
        inside.append(chain)
    clouds = [
        _cloud(frames[start : start + FRAGMENT], chain[:FRAGMENT])
        for start, chain in zip(starts, inside, strict=True)
    ]
    graph = _registered(clouds, [np.linalg.inv(chain[-1]) for chain in inside])
    poses = [
        np.asarray(node.pose) @ each
        for node, chain in zip(graph.nodes, inside, strict=True)
        for each in chain[:FRAGMENT]
    ]
    world = np.array(poses[: len(frames)])
    loops = sum(edge.uncertain for edge in graph.edges)
    said = f"{len(starts)} fragments, {loops} loop edges, {failed} steps of odometry failed"
    return PeerResult(_integrated(frames, world), world, said)


def _registered(clouds: list[Any], next_from_last: list[F64]) -> Any:
    """The optimised pose graph over fragments, as `register_fragments` and `refine_registration` make it."""
    registration = load_open3d().pipelines.registration
    coarse = [cloud.voxel_down_sample(REGISTER_M) for cloud in clouds]
    features = [_features(cloud) for cloud in coarse]
    graph = registration.PoseGraph()
    graph.nodes.append(registration.PoseGraphNode(np.eye(4)))
    place = np.eye(4)
    for source in range(len(clouds)):
        for target in range(source + 1, len(clouds)):
            if target == source + 1:
                transform, information = _icp(clouds[source], clouds[target], next_from_last[source])
                place = transform @ place
                graph.nodes.append(registration.PoseGraphNode(np.linalg.inv(place)))
                uncertain = False
            else:
                found = _matched(coarse[source], coarse[target], features[source], features[target])
                if found is None:
                    continue
                transform, information = _icp(clouds[source], clouds[target], found)
                if (
                    information[5, 5] / min(len(clouds[source].points), len(clouds[target].points))
                    < LEAST_OVERLAP
                ):
                    continue
                uncertain = True
            graph.edges.append(registration.PoseGraphEdge(source, target, transform, information, uncertain))
    _optimise(graph)
    for edge in graph.edges:  # once more, from where the graph settled
        nodes = graph.nodes[edge.source_node_id].pose, graph.nodes[edge.target_node_id].pose
        start = np.linalg.inv(np.asarray(nodes[1])) @ np.asarray(nodes[0])
        edge.transformation, edge.information = _icp(
            clouds[edge.source_node_id], clouds[edge.target_node_id], start
        )
    _optimise(graph)
    return graph


def _optimise(graph: Any) -> None:
    registration = load_open3d().pipelines.registration
    registration.global_optimization(
        graph,
        registration.GlobalOptimizationLevenbergMarquardt(),
        registration.GlobalOptimizationConvergenceCriteria(),
        registration.GlobalOptimizationOption(
            max_correspondence_distance=REGISTER_M * 1.4,
            edge_prune_threshold=0.25,
            preference_loop_closure=5.0,
            reference_node=0,
        ),
    )


def _features(cloud: Any) -> Any:
    geometry, registration = load_open3d().geometry, load_open3d().pipelines.registration
    return registration.compute_fpfh_feature(
        cloud, geometry.KDTreeSearchParamHybrid(radius=REGISTER_M * 5.0, max_nn=100)
    )


def _matched(source: Any, target: Any, source_features: Any, target_features: Any) -> F64 | None:
    registration = load_open3d().pipelines.registration
    reach = REGISTER_M * 1.4
    found = registration.registration_ransac_based_on_feature_matching(
        source, target, source_features, target_features, False, reach,
        registration.TransformationEstimationPointToPoint(False), 4,
        [registration.CorrespondenceCheckerBasedOnEdgeLength(0.9),
         registration.CorrespondenceCheckerBasedOnDistance(reach)],
        registration.RANSACConvergenceCriteria(1_000_000, 0.999),
    )  # fmt: skip
    return None if np.trace(found.transformation) == 4.0 else np.array(found.transformation)


def _icp(source: Any, target: Any, start: F64) -> tuple[F64, F64]:
    """`target_from_source` by point-to-plane ICP on three scales, and its information matrix."""
    o3d = load_open3d()
    registration = o3d.pipelines.registration
    transform = np.array(start)
    for size, steps in ((REGISTER_M, 50), (REGISTER_M / 2, 30), (REGISTER_M / 4, 14)):
        down = [_down(cloud, size) for cloud in (source, target)]
        transform = registration.registration_icp(
            *down, 1.4 * size, transform, registration.TransformationEstimationPointToPlane(),
            registration.ICPConvergenceCriteria(1e-6, 1e-6, steps),
        ).transformation  # fmt: skip
    information = registration.get_information_matrix_from_point_clouds(
        source, target, 1.4 * REGISTER_M, transform
    )
    return np.array(transform), np.array(information)


def _down(cloud: Any, size: float) -> Any:
    return cloud.voxel_down_sample(size) if size > REGISTER_M / 4 else cloud


def _cloud(frames: Sequence[DepthFrame], poses: Sequence[F64]) -> Any:
    """The fragment's surface as points with normals, a quarter of `REGISTER_M` apart."""
    o3d = load_open3d()
    mesh = _integrated(frames, np.array(poses))
    made = o3d.geometry.TriangleMesh(
        o3d.utility.Vector3dVector(np.array(mesh.vertices)),
        o3d.utility.Vector3iVector(np.array(mesh.faces)),
    )
    made.compute_vertex_normals()
    cloud = o3d.geometry.PointCloud(made.vertices)
    cloud.normals = made.vertex_normals
    return cloud.voxel_down_sample(REGISTER_M / 4)


def _hybrid_step(source: DepthFrame, target: DepthFrame) -> tuple[F64, bool]:
    """`target_from_source` by `compute_rgbd_odometry`, and whether it said that it worked."""
    o3d = load_open3d()
    height, width = source.depth_m.shape
    K = _corner_k(source.K)
    camera = o3d.camera.PinholeCameraIntrinsic(width, height, K[0, 0], K[1, 1], K[0, 2], K[1, 2])
    pair = [
        o3d.geometry.RGBDImage.create_from_color_and_depth(
            o3d.geometry.Image(_color(frame)), o3d.geometry.Image(_depth(frame)),
            depth_scale=1.0, depth_trunc=DEPTH_MAX_M, convert_rgb_to_intensity=True,
        )
        for frame in (source, target)
    ]  # fmt: skip
    option = o3d.pipelines.odometry.OdometryOption(depth_diff_max=0.07, depth_max=DEPTH_MAX_M)
    ok, transform, _ = o3d.pipelines.odometry.compute_rgbd_odometry(
        *pair, camera, np.eye(4), o3d.pipelines.odometry.RGBDOdometryJacobianFromHybridTerm(), option
    )
    return (np.array(transform), True) if ok else (np.eye(4), False)


def _plane_step(source: DepthFrame, target: DepthFrame) -> tuple[F64, bool]:
    """`target_from_source` by the tensor pipeline's multi-scale point-to-plane odometry."""
    o3d = load_open3d()
    odometry, core = o3d.t.pipelines.odometry, o3d.core
    pair = [
        o3d.t.geometry.RGBDImage(
            o3d.t.geometry.Image(core.Tensor(_color(frame))),
            o3d.t.geometry.Image(core.Tensor(_depth(frame))),
        )
        for frame in (source, target)
    ]
    try:
        found = odometry.rgbd_odometry_multi_scale(
            *pair, core.Tensor(_corner_k(source.K)), core.Tensor(np.eye(4)), 1.0, DEPTH_MAX_M,
            [odometry.OdometryConvergenceCriteria(steps) for steps in (20, 10, 5)],
            odometry.Method.PointToPlane, odometry.OdometryLossParams(),
        )  # fmt: skip
    except RuntimeError:
        return np.eye(4), False
    return found.transformation.numpy(), True


def _integrated(frames: Sequence[DepthFrame], poses: F64) -> Mesh:
    """The zero set of a truncated signed distance field over all frames."""
    o3d = load_open3d()
    core, t = o3d.core, o3d.t
    grid = t.geometry.VoxelBlockGrid(
        ("tsdf", "weight", "color"), (core.float32, core.float32, core.float32), ((1,), (1,), (3,)),
        VOXEL_M, 16, BLOCKS, core.Device("CPU:0"),
    )  # fmt: skip
    for frame, pose in zip(frames, poses, strict=True):
        depth = t.geometry.Image(core.Tensor(_depth(frame)))
        color = t.geometry.Image(core.Tensor(_color(frame)).to(core.float32))
        # The grid looks its pixels up by their corners, unlike odometry.
        K, extrinsic = core.Tensor(np.array(frame.K)), core.Tensor(np.linalg.inv(pose))
        blocks = grid.compute_unique_block_coordinates(
            depth, K, extrinsic, 1.0, DEPTH_MAX_M, TRUNCATION_VOXELS
        )
        grid.integrate(blocks, depth, color, K, extrinsic, 1.0, DEPTH_MAX_M, TRUNCATION_VOXELS)
    return _mesh(grid.extract_triangle_mesh(min(LEAST_WEIGHT, len(frames) / 2)))


def _mesh(made: Any) -> Mesh:
    if not len(made.vertex.positions) or not len(made.triangle.indices):
        raise RuntimeError("No surface came out.")
    vertices, faces = made.vertex.positions.numpy(), made.triangle.indices.numpy()
    return Mesh(vertices.astype(np.float64), faces.astype(np.int32))


def _depth(frame: DepthFrame) -> np.ndarray:
    return np.array(frame.depth_m)  # Open3D wants to be able to write


def _color(frame: DepthFrame) -> np.ndarray:
    if frame.color is None:
        return np.repeat((128 * (frame.depth_m > 0)).astype(np.uint8)[:, :, None], 3, axis=2)
    return np.array(frame.color)


def _corner_k(K: F64) -> F64:
    """Intrinsics for pixel centres at whole numbers."""
    moved = np.array(K)
    moved[:2, 2] -= 0.5
    return moved


PEERS: dict[str, Peer] = {
    "open3d-tsdf": Peer(tsdf, "given"),
    "open3d-slam": Peer(slam, "track"),
    "open3d-system": Peer(system, "track"),
    "open3d-system-plane": Peer(lambda frames: system(frames, plane=True), "track"),
}
