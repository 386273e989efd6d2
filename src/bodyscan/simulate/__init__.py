"""Capture rigs with known truth: scans of people who do not exist."""

from bodyscan.simulate.options import RawScanOptions
from bodyscan.simulate.people import plausible_betas
from bodyscan.simulate.raw import ScanTruth, SimulatedScan, simulate_raw_scan
from bodyscan.simulate.write import write_scan, write_truth

__all__ = [
    "RawScanOptions",
    "ScanTruth",
    "SimulatedScan",
    "plausible_betas",
    "simulate_raw_scan",
    "write_scan",
    "write_truth",
]
