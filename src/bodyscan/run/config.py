"""Options from a TOML file and from flags: defaults < file < flags, for any nest of frozen dataclasses."""

from __future__ import annotations

import dataclasses
import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from bodyscan.errors import InputError

T = TypeVar("T")

_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file holds, or raise `InputError`."""
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise InputError(f"The options file {path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no TOML file: {error}.") from None


def fill(options: T, values: Mapping[str, Any], where: str = "") -> T:
    """Return `options` with `values` in place of its own, tables into nested dataclasses.

    `options` is an instance of a dataclass; a key that is not among its fields is an `InputError` that
    names the known ones, and so is a value of another type. None stands for "not given" and changes
    nothing. Ranges are checked by the dataclass itself. `where` is put before names in messages.
    """
    known = {field.name: field for field in dataclasses.fields(options) if field.init}  # type: ignore[arg-type]
    if unknown := [name for name in values if name not in known]:
        raise InputError(
            f"{_path(where, unknown[0])} is not a known option; known are: {', '.join(sorted(known))}."
        )
    hints = typing.get_type_hints(type(options))
    changes = {
        name: _value(hints[name], getattr(options, name), value, _path(where, name))
        for name, value in values.items()
        if value is not None
    }
    return dataclasses.replace(options, **changes) if changes else options  # type: ignore[type-var]


def build(kind: type[T], values: Mapping[str, Any]) -> T:
    """Return a new `kind` of what a table says, as `fill` does for one that has an instance.

    Raises `InputError` as well where a field without a default is not given.
    """
    return _built(kind, _without_none(values), "")


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _without_none(value) if isinstance(value, Mapping) else value
        for name, value in values.items()
        if value is not None
    }


def _path(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _value(hint: Any, current: Any, value: Any, path: str) -> Any:
    if dataclasses.is_dataclass(current) and not isinstance(current, type):
        if not isinstance(value, Mapping):
            raise InputError(f"{path} is a table of options; it cannot be {value!r}.")
        return fill(current, value, path)
    return _typed(hint, value, path)


def _typed(hint: Any, value: Any, path: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        choices = [choice for choice in arguments if choice is not type(None)]
        return _first_that_fits(choices, value, path)
    if origin is Literal:
        if value not in arguments:
            raise InputError(f"{path} is {value!r}; possible are: {', '.join(map(str, arguments))}.")
        return value
    if origin is tuple:
        return _tuple(arguments, value, path)
    if dataclasses.is_dataclass(hint):
        return _built(hint, value, path)
    if hint is Any:
        return value
    return _scalar(hint, value, path)


def _first_that_fits(choices: list[Any], value: Any, path: str) -> Any:
    problem: InputError | None = None
    for choice in choices:
        try:
            return _typed(choice, value, path)
        except InputError as error:
            problem = problem or error
    raise problem or InputError(f"{path} cannot be given in a file.")


def _tuple(arguments: tuple[Any, ...], value: Any, path: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise InputError(f"{path} must be a list; it is {value!r}.")
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        arguments = (arguments[0],) * len(value)
    if len(arguments) != len(value):
        raise InputError(f"{path} must hold {len(arguments)} values; it holds {len(value)}.")
    pairs = enumerate(zip(arguments, value, strict=True))
    return tuple(_typed(hint, item, f"{path}[{at}]") for at, (hint, item) in pairs)


def _built(hint: Any, value: Any, path: str) -> Any:
    """Return a dataclass that has no instance yet, such as an entry of a list."""
    if not isinstance(value, Mapping):
        raise InputError(f"{path} is a table of options; it cannot be {value!r}.")
    hints = typing.get_type_hints(hint)
    known = [field for field in dataclasses.fields(hint) if field.init]
    names = [field.name for field in known]
    if unknown := [name for name in value if name not in names]:
        raise InputError(f"{_path(path, unknown[0])} is not a known option; known are: {', '.join(names)}.")
    missing = [
        field.name
        for field in known
        if field.name not in value
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise InputError(f"{path or 'The request'} lacks {', '.join(missing)}.")
    return hint(**{name: _typed(hints[name], item, _path(path, name)) for name, item in value.items()})


def _scalar(hint: Any, value: Any, path: str) -> Any:
    # bool is an int in Python; in a file it is not.
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is Path and isinstance(value, str):
        return Path(value)
    fits = (
        isinstance(hint, type) and isinstance(value, hint) and (hint is bool or not isinstance(value, bool))
    )
    if not fits:
        wanted = _WORDS.get(hint, getattr(hint, "__name__", str(hint)))
        raise InputError(f"{path} must be {wanted}; it is {value!r}.")
    return value
