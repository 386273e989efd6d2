"""A pickle is read for its arrays, and executes nothing."""

from __future__ import annotations

import collections
import os
import pickle
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from bodyscan.body.restricted_pickle import read_restricted_pickle
from bodyscan.errors import InputError


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
def test_arrays_come_through_exactly(protocol: int) -> None:
    rng = np.random.default_rng(0)
    data = {
        "doubles": rng.normal(size=(3, 4)),
        "fortran": np.asfortranarray(rng.normal(size=(3, 4)).astype(np.float32)),
        "big_endian": np.arange(5, dtype=">i4"),
        "flags": np.array([True, False]),
        "number": np.float64(2.5),
        "plain": [1, "two", (3.0, None)],
        "ordered": collections.OrderedDict(a=np.arange(2)),
    }
    read = read_restricted_pickle(pickle.dumps(data, protocol=protocol))
    for name in ("doubles", "fortran", "big_endian", "flags", "number"):
        np.testing.assert_array_equal(read[name], data[name])
    assert read["plain"] == data["plain"]
    np.testing.assert_array_equal(read["ordered"]["a"], [0, 1])


def test_sparse_matrices_come_through() -> None:
    dense = np.array([[0, 1.5, 0], [2, 0, 0]])
    read = read_restricted_pickle(pickle.dumps({"m": sparse.csc_matrix(dense)}, protocol=2))
    np.testing.assert_array_equal(read["m"].toarray(), dense)


@pytest.fixture
def chumpy(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    """Classes that pickle as chumpy's do, without chumpy."""

    class Ch:
        pass

    class Select:
        pass

    for module, made in (("chumpy.ch", Ch), ("chumpy.reordering", Select)):
        fake = types.ModuleType(module)
        made.__module__, made.__qualname__ = module, made.__name__
        setattr(fake, made.__name__, made)
        monkeypatch.setitem(sys.modules, module, fake)
    monkeypatch.setitem(sys.modules, "chumpy", types.ModuleType("chumpy"))
    return types.SimpleNamespace(Ch=Ch, Select=Select)


def test_chumpy_arrays_are_unwrapped(chumpy: types.SimpleNamespace) -> None:
    whole, part = chumpy.Ch(), chumpy.Select()
    whole.__dict__["x"] = np.arange(12.0).reshape(3, 4)
    part.__dict__.update(a=whole, idxs=np.array([1, 2, 5, 6]), preferred_shape=(2, 2))
    read = read_restricted_pickle(pickle.dumps({"shapedirs": part, "v_template": whole}, protocol=2))
    np.testing.assert_array_equal(read["shapedirs"], [[1, 2], [5, 6]])
    np.testing.assert_array_equal(read["v_template"], whole.x)


class Runs:
    """Pickles as a call of `os.system`, as an attack does."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_would_run_a_command_is_refused_and_nothing_runs(tmp_path: Path, protocol: int) -> None:
    marker = tmp_path / "ran"
    with pytest.raises(InputError, match=r"asks to run '(posix|nt).system'.*nothing was executed"):
        read_restricted_pickle(pickle.dumps({"v_template": Runs(marker)}, protocol=protocol))
    assert not marker.exists()


@pytest.mark.parametrize(
    ("program", "refused"),
    [
        (b"cbuiltins\neval\n(S'1+1'\ntR.", "builtins.eval"),
        (b"cnumpy\nload\n(S'x'\ntR.", "numpy.load"),
        (b"cscipy.sparse.csc\nos\n.", "scipy.sparse.csc.os"),
        (b"(ios\nsystem\nS'true'\no.", "os.system"),
        (b"\x80\x04\x8c\x05numpy\x8c\x0fcore.multiarray\x93.", "numpy.core.multiarray"),
    ],
)
def test_names_outside_of_the_list_are_refused_by_name(program: bytes, refused: str) -> None:
    with pytest.raises(InputError, match=f"asks to run '{refused}'|damaged"):
        read_restricted_pickle(program)


@pytest.mark.parametrize("name", [b"chumpy.ch\nCh", b"collections\nOrderedDict"])
def test_a_pickle_cannot_change_the_readers_own_classes(name: bytes) -> None:
    sets_attribute = b"\x80\x02c" + name + b"\nN}U\x05stateI1\ns\x86b."
    with pytest.raises(InputError, match="damaged"):
        read_restricted_pickle(sets_attribute)
    data = {"ordered": collections.OrderedDict(a=1)}
    assert read_restricted_pickle(pickle.dumps(data)) == data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "damaged"),
        (b"hello", "damaged"),
        (pickle.dumps(np.zeros(3))[:-20], "damaged"),
        (pickle.dumps([1, 2]), "holds a list, not a dictionary"),
        (pickle.dumps({"a": np.array([{}], dtype=object)}, protocol=2), "dtype 'object'|data are no bytes"),
        (b"\x80\x02U\x01xQ.", "objects outside of the file"),
    ],
)
def test_other_files_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_restricted_pickle(data)


def test_sparse_indices_out_of_range_are_refused() -> None:
    matrix = sparse.csc_matrix(np.eye(3))
    matrix.indices[1] = 77
    with pytest.raises(InputError, match="damaged or no body model"):
        read_restricted_pickle(pickle.dumps({"m": matrix}, protocol=2))
