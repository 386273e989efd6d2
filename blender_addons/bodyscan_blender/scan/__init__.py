# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scan and the surface that was fitted to it, as Blender's objects."""
