"""Scans, fits and textures come back from their files as they were."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.steps.arrays import (
    fit_arrays,
    read_arrays,
    read_fit,
    read_scan,
    read_textures,
    scan_arrays,
    texture_arrays,
    write_arrays,
)
from steps.values import small_fit, small_scan, small_textures


def assert_same(one: Any, other: Any, where: str = "value") -> None:
    """Every field of two values is equal, to the bit."""
    assert type(one) is type(other), where
    if is_dataclass(one) and not isinstance(one, type):
        for field in fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name), f"{where}.{field.name}")
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype, where
        assert np.array_equal(one, other), where
    elif isinstance(one, tuple):
        assert len(one) == len(other), where
        for index, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_same(a, b, f"{where}[{index}]")
    else:
        assert one == other, where


@pytest.mark.parametrize(("cloud", "landmarks"), [(False, True), (True, True), (False, False)])
def test_a_scan_comes_back(tmp_path: Path, cloud: bool, landmarks: bool) -> None:
    scan = small_scan(cloud=cloud, landmarks=landmarks)
    write_arrays(tmp_path / "scan.npz", *scan_arrays(scan))
    assert_same(read_scan(tmp_path / "scan.npz"), scan)


def test_a_fit_comes_back(tmp_path: Path) -> None:
    write_arrays(tmp_path / "fit.npz", *fit_arrays(small_fit()))
    assert_same(read_fit(tmp_path / "fit.npz"), small_fit())


@pytest.mark.parametrize("whole", [True, False])
def test_textures_come_back(tmp_path: Path, whole: bool) -> None:
    write_arrays(tmp_path / "textures.npz", *texture_arrays(small_textures(whole=whole)))
    assert_same(read_textures(tmp_path / "textures.npz"), small_textures(whole=whole))


def test_a_cut_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "fit.npz"
    write_arrays(path, *fit_arrays(small_fit()))
    whole = path.read_bytes()
    for size in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError, match=r"fit\.npz .* missing or damaged .*; run its step again"):
            read_fit(path)
    path.unlink()
    with pytest.raises(InputError, match="missing or damaged"):
        read_fit(path)


def test_a_file_of_another_kind_is_told(tmp_path: Path) -> None:
    path = tmp_path / "scan.npz"
    write_arrays(path, *fit_arrays(small_fit()))
    with pytest.raises(InputError, match="damaged"):
        read_scan(path)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    """An object array would be run when it is read."""
    path = tmp_path / "scan.npz"
    np.savez(path, __facts__=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputError, match="damaged"):
        read_arrays(path)
