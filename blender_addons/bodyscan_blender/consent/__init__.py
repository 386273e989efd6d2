# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Consent in sight: panel, overlay, and what an artist does with a record."""
