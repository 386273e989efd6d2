# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a capture to a twin's file, a step at a time: operators, the process beside, the main panel."""
