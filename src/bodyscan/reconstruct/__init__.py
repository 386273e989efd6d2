"""Capture in, ScanMesh out."""

from bodyscan.reconstruct.reconstruct import ReconstructOptions, reconstruct_scan

__all__ = ["ReconstructOptions", "reconstruct_scan"]
