"""A rig on the body's topology: skeleton and weights of the fitted person, with the scan's surface detail."""

from __future__ import annotations

from bodyscan.body.model import BodyModel
from bodyscan.rig.bind import BindPose, bind_pose
from bodyscan.rig.influences import four_influences
from bodyscan.rig.options import RigOptions
from bodyscan.rig.skeleton import reduce_joints
from bodyscan.types import BodyFit, Mesh, Rig, Skeleton


def rig_body(
    model: BodyModel, fit: BodyFit, options: RigOptions | None = None, *, bind: BindPose | None = None
) -> Rig:
    """Return the fitted person as a mesh on the body's topology (V vertices), bound to a skeleton.

    Soles at Y = 0, facing +Z, the hips joint above the origin; colours of `fit.surface` are kept. `bind`:
    the result of `bind_pose` for the same fit and pose, to save computing it twice. Raises `InputError`
    where the fit is not one of this model.
    """
    options = options or RigOptions()
    bind = bind or bind_pose(model, fit, options.pose)
    reduced = reduce_joints(model.joint_names, model.parents, model.skin_weights, options.joints)
    indices, weights = four_influences(reduced.weights)
    return Rig(
        mesh=Mesh(bind.surface, model.faces, colors=fit.surface.colors),
        skeleton=Skeleton(reduced.joint_names, reduced.parents, bind.joints[reduced.kept]),
        joint_indices=indices,
        joint_weights=weights,
    )
