# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doors through which a person leaves Blender, and what is asked at each of them."""
