"""ScanMesh and BodyModel in, BodyFit out."""

from bodyscan.fit.fit_body import fit_body
from bodyscan.fit.options import FitLevel, FitOptions

__all__ = ["FitLevel", "FitOptions", "fit_body"]
