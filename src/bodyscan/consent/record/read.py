"""Records from JSON text, and the JSON Schema that is published for them."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from bodyscan.consent import strict_json
from bodyscan.consent.fields import printable, signed_schema
from bodyscan.consent.record.model import RECORD_SCHEMA, ConsentRecord
from bodyscan.errors import InputError

SHOWN_PROBLEMS = 8
SCHEMA_FILE = Path(__file__).parent.parent / "schema" / "consent-record-1.schema.json"
"""The published JSON Schema, as `record_json_schema` returns it."""


def parse_record(text: str | bytes, what: str = "the consent record") -> ConsentRecord:
    """Read a record from JSON, strictly, or raise `InputError` that names each wrong field."""
    value = strict_json.loads(text, what)
    if isinstance(value, dict) and value.get("schema", RECORD_SCHEMA) != RECORD_SCHEMA:
        raise InputError(
            printable(f"{what} is of the schema {value['schema']!r}; this software reads {RECORD_SCHEMA!r}.")
        )
    try:
        return ConsentRecord.model_validate_json(text)
    except ValidationError as error:
        problems = [_explain(problem) for problem in error.errors(include_url=False)[:SHOWN_PROBLEMS]]
        raise InputError(printable(f"{what} is not valid: {'; '.join(problems)}.")) from None


def record_from_values(values: Mapping[str, Any], what: str = "the consent record") -> ConsentRecord:
    """Build a record from plain values (strings, lists, nested mappings), as JSON would hold them."""
    return parse_record(json.dumps(values, allow_nan=False, ensure_ascii=False), what)


def record_json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a record as it is signed: every default written out, no null.

    It says form, words and bounds. What it cannot say (a guardian for a minor, which fields go with which
    kind of pay, text in one script) is checked by `parse_record` alone; docs/consent.md lists it.
    """
    schema = signed_schema(ConsentRecord)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": RECORD_SCHEMA,
        "title": "bodyscan consent record, version 1",
    }
    return {**head, **{name: value for name, value in schema.items() if name != "title"}}


def _explain(problem: Any) -> str:
    place = ".".join(str(part) for part in problem["loc"]) or "record"
    if problem["type"] == "extra_forbidden":
        known = ", ".join(_known_fields(problem["loc"][:-1]))
        return f"{place}: unknown field; known here: {known}"
    if problem["type"] == "missing":
        return f"{place}: is missing"
    return f"{place}: {problem['msg'].removeprefix('Value error, ')}"


def _known_fields(place: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = ConsentRecord
    for part in place:
        if isinstance(part, str) and part in model.model_fields:
            model = _model_in(model.model_fields[part].annotation) or model
    return [info.serialization_alias or name for name, info in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model that a field's type holds: itself, in a tuple, or beside None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if typing.get_origin(annotation) in (tuple, typing.Union, types.UnionType, typing.Annotated):
        return next(filter(None, map(_model_in, typing.get_args(annotation))), None)
    return None
