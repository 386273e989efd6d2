"""Reads the arrays of a pickle without executing anything that the pickle names.

A pickle is a program: it may name any importable callable. Here every name outside a short list is refused,
and the names on the list stand for plain containers of this file, which only remember what they were given.
No code of numpy, scipy or chumpy runs on the file's word; arrays are built afterwards from checked parts.
`chumpy` arrays, in which SMPL files were published, are unwrapped exactly.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from bodyscan.errors import InputError

ARRAY_KINDS = "biufSU"
"""dtype kinds that are read: numbers, truth values and text; never objects."""


class _Stub:
    """Remembers the arguments and the state that a pickle gives an object.

    `__setstate__` also keeps a pickle from setting attributes of the class itself: it is called instead.
    """

    __slots__ = ("args", "state")

    def __new__(cls, *args: Any) -> _Stub:
        made = object.__new__(cls)
        made.args = args
        made.state = None
        return made

    def __init__(self, *args: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Array(_Stub):
    __slots__ = ()


class _ArrayClass(_Stub):
    __slots__ = ()


class _Dtype(_Stub):
    __slots__ = ()


class _Scalar(_Stub):
    __slots__ = ()


class _Csc(_Stub):
    __slots__ = ()


class _Csr(_Stub):
    __slots__ = ()


class _Ch(_Stub):
    __slots__ = ()


class _Select(_Stub):
    __slots__ = ()


class _Bytes(_Stub):
    __slots__ = ()


class _Rebuilt(_Stub):
    """What `copyreg._reconstructor(class, object, None)` makes: an instance of the class."""

    __slots__ = ()

    def __new__(cls, *args: Any) -> _Stub:
        wanted = args[0] if args else None
        if not (isinstance(wanted, type) and issubclass(wanted, _Stub)):
            raise pickle.UnpicklingError("the file rebuilds an object of an unknown class")
        return wanted()


class _Object(_Stub):
    __slots__ = ()


class _RestrictedUnpickler(pickle.Unpickler):
    ALLOWED: ClassVar[dict[tuple[str, str], Any]] = {
        ("numpy", "ndarray"): _ArrayClass,
        ("numpy", "dtype"): _Dtype,
        ("numpy.core.multiarray", "_reconstruct"): _Array,
        ("numpy._core.multiarray", "_reconstruct"): _Array,
        ("numpy.core.multiarray", "scalar"): _Scalar,
        ("numpy._core.multiarray", "scalar"): _Scalar,
        ("scipy.sparse.csc", "csc_matrix"): _Csc,
        ("scipy.sparse._csc", "csc_matrix"): _Csc,
        ("scipy.sparse.csr", "csr_matrix"): _Csr,
        ("scipy.sparse._csr", "csr_matrix"): _Csr,
        ("chumpy.ch", "Ch"): _Ch,
        ("chumpy.reordering", "Select"): _Select,
        ("collections", "OrderedDict"): OrderedDict,
        ("_codecs", "encode"): _Bytes,
        ("copy_reg", "_reconstructor"): _Rebuilt,
        ("copyreg", "_reconstructor"): _Rebuilt,
        ("__builtin__", "object"): _Object,
        ("builtins", "object"): _Object,
    }

    def find_class(self, module_name: str, global_name: str) -> Any:
        try:
            return self.ALLOWED[module_name, global_name]
        except KeyError:
            raise InputError(
                f"The pickle asks to run '{module_name}.{global_name}', which a body model does not need; it "
                "was refused and nothing was executed. Use the file of the model's own publisher, or a .npz."
            ) from None

    def persistent_load(self, pid: Any) -> Any:
        raise InputError("The pickle refers to objects outside of the file; a body model does not. Refused.")


def read_restricted_pickle(source: str | Path | bytes) -> dict[str, Any]:
    """The top dictionary of a pickle: names -> numpy arrays, scipy CSC/CSR matrices, numbers, texts, lists.

    Raises `InputError` where the file names anything else, is damaged, or holds no dictionary.
    """
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    try:
        loaded = _RestrictedUnpickler(io.BytesIO(data), encoding="latin1").load()
        plain = _unwrap(loaded)
    except InputError:
        raise
    except RecursionError:
        raise InputError("The pickle is nested too deeply for a body model.") from None
    except Exception as error:
        raise InputError(f"The pickle is damaged or no body model: {error}") from None
    if not isinstance(plain, dict):
        raise InputError(f"The pickle holds a {type(plain).__name__}, not a dictionary of arrays.")
    return plain


def _unwrap(value: Any) -> Any:
    """Stubs -> arrays, all the way down."""
    if isinstance(value, dict):
        return {_unwrap(key): _unwrap(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_unwrap(item) for item in value)
    if isinstance(value, _Array):
        return _array(value)
    if isinstance(value, _Scalar):
        dtype, raw = value.args
        return np.frombuffer(_raw(raw), _dtype(dtype), count=1)[0]
    if isinstance(value, (_Csc, _Csr)):
        return _sparse(value)
    if isinstance(value, _Ch):
        return np.asarray(_unwrap(_state(value, "x")))
    if isinstance(value, _Select):
        return _select(value)
    if isinstance(value, _Bytes):
        return _raw(value)
    if isinstance(value, _Stub):
        raise InputError(f"The pickle holds a bare {type(value).__name__.strip('_')} where data should be.")
    return value


def _array(stub: _Stub) -> np.ndarray:
    if stub.state is None or len(stub.state) != 5:
        raise InputError("The pickle holds an array without its data.")
    _, shape, dtype, fortran, raw = stub.state
    flat = np.frombuffer(_raw(raw), _dtype(dtype))
    return flat.reshape(tuple(int(n) for n in shape), order="F" if fortran else "C").copy()


def _dtype(stub: Any) -> np.dtype:
    """`numpy.dtype('f8', ...)` with its state `(version, byte order, ...)`."""
    if not isinstance(stub, _Dtype) or not stub.args or not isinstance(stub.args[0], str):
        raise InputError("The pickle holds an array without a plain dtype.")
    order = stub.state[1] if stub.state else "="
    dtype = np.dtype(stub.args[0]).newbyteorder(order if order in "<>=|" else "=")
    if dtype.kind not in ARRAY_KINDS:
        raise InputError(
            f"The pickle holds an array of dtype '{dtype}'; only numbers, truth values and text are read."
        )
    return dtype


def _raw(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("latin1")
    if isinstance(value, _Bytes) and value.args and isinstance(value.args[0], str):
        return value.args[0].encode("latin1")
    raise InputError("The pickle holds an array whose data are no bytes.")


def _state(stub: _Stub, *names: str) -> Any:
    """The first of the named entries of a stub's state."""
    state = stub.state
    if isinstance(state, tuple) and state and isinstance(state[0], dict):
        state = state[0]
    for name in names:
        if isinstance(state, dict) and name in state:
            return state[name]
    raise InputError(f"The pickle's {type(stub).__name__.strip('_')} has no '{names[0]}'.")


def _sparse(stub: _Stub) -> sparse.csc_matrix | sparse.csr_matrix:
    parts = [np.asarray(_unwrap(_state(stub, name))) for name in ("data", "indices", "indptr")]
    shape = tuple(int(n) for n in _unwrap(_state(stub, "_shape", "shape")))
    matrix = (sparse.csc_matrix if isinstance(stub, _Csc) else sparse.csr_matrix)(tuple(parts), shape=shape)
    # The matrix comes from a stranger: indices out of range must be caught here, not in compiled code.
    matrix.check_format(full_check=True)
    return matrix


def _select(stub: _Stub) -> np.ndarray:
    """`chumpy.reordering.Select`: entries of a flattened array, in a shape of their own."""
    whole = np.asarray(_unwrap(_state(stub, "a")))
    picked = whole.reshape(-1)[np.asarray(_unwrap(_state(stub, "idxs"))).reshape(-1).astype(np.int64)]
    return picked.reshape(tuple(int(n) for n in _unwrap(_state(stub, "preferred_shape"))))
