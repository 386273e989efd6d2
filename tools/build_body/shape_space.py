"""Principal components of the sampled people, body and face apart.

Face components come from face changes alone, so that a noisy face cannot bend the body, and they are
stored on head vertices only. Left over is what a truncated basis cannot say: reported on held-out people.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Components:
    mean: np.ndarray
    """(D,)"""
    directions: np.ndarray
    """(K, D), each scaled to one standard deviation."""


def principal_components(samples: np.ndarray, count: int) -> Components:
    """First `count` components of (N, D) float32 samples by the N x N Gram matrix (N < D)."""
    mean = samples.mean(axis=0)
    centred = samples - mean
    gram = centred.astype(np.float32) @ centred.T
    values, vectors = np.linalg.eigh(gram.astype(np.float64))
    order = np.argsort(values)[::-1][:count]
    directions = (vectors[:, order] / np.sqrt(values[order])).T.astype(np.float32) @ centred
    deviations = np.sqrt(values[order] / (len(samples) - 1))
    return Components(mean, directions * deviations[:, None].astype(np.float32))


def project(components: list[Components], samples: np.ndarray) -> np.ndarray:
    """Least-squares reconstruction of `samples` in the span of all components and the first mean."""
    basis = np.concatenate([c.directions for c in components])
    mean = components[0].mean
    coefficients, *_ = np.linalg.lstsq(basis.T, (samples - mean).T, rcond=None)
    return mean + (basis.T @ coefficients).T
