"""ScanMesh and BodyModel in, BodyFit out."""

from bodyscan.fit.corrections import Corrections, with_placed, without_ignored
from bodyscan.fit.expression import ExpressionFit, fit_expression
from bodyscan.fit.fit_body import fit_body
from bodyscan.fit.options import FitLevel, FitOptions

__all__ = [
    "Corrections",
    "ExpressionFit",
    "FitLevel",
    "FitOptions",
    "fit_body",
    "fit_expression",
    "with_placed",
    "without_ignored",
]
