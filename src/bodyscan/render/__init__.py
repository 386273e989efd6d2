"""Pictures of scans, fits and twins, and the report that shows them, without a graphics driver."""

from __future__ import annotations

from bodyscan.render.cameras import head_points, person_view
from bodyscan.render.heatmap import ColorScale, distance_scale, draw_scale, heat_colors
from bodyscan.render.options import RenderOptions
from bodyscan.render.overlay import draw_landmarks, draw_skeleton
from bodyscan.render.picture import render_mesh
from bodyscan.render.pose import pose_rig
from bodyscan.render.poses import named_pose
from bodyscan.render.report import ConsentSummary, ReportData, StageTime, write_report
from bodyscan.render.report_pictures import PictureOptions, ReportPictures, overview_sheet, report_pictures
from bodyscan.render.sheet import Panel, SheetOptions, contact_sheet
from bodyscan.render.twin_picture import TwinPicture, TwinPictureOptions, render_turntable, render_twin

__all__ = [
    "ColorScale",
    "ConsentSummary",
    "Panel",
    "PictureOptions",
    "RenderOptions",
    "ReportData",
    "ReportPictures",
    "SheetOptions",
    "StageTime",
    "TwinPicture",
    "TwinPictureOptions",
    "contact_sheet",
    "distance_scale",
    "draw_landmarks",
    "draw_scale",
    "draw_skeleton",
    "head_points",
    "heat_colors",
    "named_pose",
    "overview_sheet",
    "person_view",
    "pose_rig",
    "render_mesh",
    "render_turntable",
    "render_twin",
    "report_pictures",
    "write_report",
]
