# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where all panels of the add-on are."""

from __future__ import annotations


class SidebarPanel:
    """Mixin: a panel in the tab of its own, in the sidebar of the 3D view."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "bodyscan"
