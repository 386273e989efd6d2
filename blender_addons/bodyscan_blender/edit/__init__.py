# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Setting right what the machine got wrong: landmarks, pins, distrust, sliders, fitting from there."""
