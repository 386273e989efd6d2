"""Many scans: one outcome each, nothing lost."""
