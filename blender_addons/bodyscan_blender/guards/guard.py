# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts on the people of a scene, and the guards at the doors through which a likeness leaves it.

A likeness is a twin, a scan, or the surface that was fitted to it. A twin's record is bound to its body; of
the others the record alone is judged.

A verdict is judged anew where the body, the record, the use, the evidence or the minute is another. So panels
and overlays may ask at every redraw: what they ask for was judged before.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import bpy

from bodyscan.consent import Evidence, Use
from bodyscan.errors import ConsentError, InputError

from .. import people
from ..settings import use_of
from . import guard_evidence
from .guard_geometry import change_of, fingerprint, rest_body
from .verdicts import Act, Change, Verdict, judge, judge_unbound, missing, refusal, unknown, use_for

PROBLEM = "bodyscan_problem"
"""Of a person's collection or a twin: why it has no record, where that is known."""
CACHED = 256

GUARDS = (
    "guard_evidence",
    "guard_tell",
    "guard_withhold",
    "guard_save",
    "guard_export",
    "guard_render",
)
"""Modules with `register()` and `unregister()`, in their order."""

_judged: dict[tuple, Verdict] = {}
_latest: dict[tuple, tuple[tuple, Verdict]] = {}
"""(object, scene) -> what the last verdict was asked about, without the body, and the verdict."""
_registered: list[ModuleType] = []


class Refused(ConsentError):
    """An act that a person's consent does not allow; the message is for the person who asked."""


class Stopped(BaseException):
    """`Refused` inside of Blender's glTF exporter, whose hooks swallow every `Exception`."""


def verdict_of(
    item: Any, scene: Any, act: Act = Act.SHOW, now: datetime | None = None, *, fresh: bool = True
) -> Verdict:
    """Return the verdict on a likeness for a scene's use, with a twin's body as it is now.

    Not `fresh`: evidence that arrived in the last two seconds may not be known yet.
    """
    now = now or datetime.now(UTC)
    body = rest_body(item, edited=act is not Act.SHOW) if people.is_twin(item) else None
    about = _asked(item, scene, act, now, fresh)
    key = (fingerprint(body), about)
    found = _judged.get(key)
    if found is None:
        found = _judge(item, scene, act, now, body)
        if len(_judged) >= CACHED:
            _judged.clear()
        _judged[key] = found
    if act is Act.SHOW:
        _latest[item.session_uid, scene.session_uid] = (about, found)
    return found


def seen(item: Any, scene: Any) -> Verdict:
    """Return the verdict for panels and overlays: the last one, where the same is asked and only the body may
    be another. `guard_withhold` looks at bodies whenever they change."""
    held = _latest.get((item.session_uid, scene.session_uid))
    if held is not None and held[0] == _asked(item, scene, Act.SHOW, datetime.now(UTC), False):
        return held[1]
    return verdict_of(item, scene, fresh=False)


def refused(scenes: Iterable[Any], act: Act, *, outside: bool = False) -> list[Verdict]:
    """Return the verdicts that forbid an act on scenes, each twin and use once.

    `outside`: also of people who are in the file and in no scene; they are judged by the first scene's use.
    """
    now = datetime.now(UTC)
    scenes = list(scenes)
    verdicts = [verdict_of(item, scene, act, now) for scene in scenes for item in likenesses_in(scene)]
    if outside and scenes:
        verdicts += [verdict_of(item, scenes[0], act, now) for item in likenesses_outside()]
    return once(verdict for verdict in verdicts if not verdict.is_allowed)


def require(scenes: Iterable[Any], act: Act, *, outside: bool = False) -> None:
    """Raise `Refused`, with the clauses, unless everybody in `scenes` may be used so."""
    if verdicts := refused(scenes, act, outside=outside):
        raise Refused(refusal(act, verdicts))


def allowed(item: Any, scene: Any, act: Act) -> Verdict:
    """Return the verdict on a likeness, or raise `Refused`."""
    verdict = verdict_of(item, scene, act)
    if not verdict.is_allowed:
        raise Refused(refusal(act, [verdict]))
    return verdict


def likenesses_in(scene: Any) -> list[Any]:
    """Return every likeness that a scene shows: its own objects, and those of collections that stand in it as
    instances; also where they are hidden."""
    found = {item.name_full: item for item in people.likenesses_of(scene)}
    for item in _instanced(scene.objects, set()):
        if people.is_likeness(item):
            found[item.name_full] = item
    return list(found.values())


def twins_in(scene: Any) -> list[Any]:
    """Return those of `likenesses_in` that are twins."""
    return [item for item in likenesses_in(scene) if people.is_twin(item)]


def likenesses_outside() -> list[Any]:
    """Return the likenesses of the file that are in no scene."""
    inside = {item.name_full for scene in bpy.data.scenes for item in likenesses_in(scene)}
    outside = [item for item in bpy.data.objects if item.name_full not in inside and people.is_likeness(item)]
    return [item for item in outside if item.users > 0 or item.use_fake_user]


def stated_use(scene: Any, act: Act) -> Use:
    """Return the use that an act in a scene is. Raises `InputError` where the scene states none."""
    return use_for(act, use_of(scene))


def _instanced(objects: Iterable[Any], known: set[str]) -> Iterator[Any]:
    for item in objects:
        shown = item.instance_collection if item.instance_type == "COLLECTION" else None
        if shown is None or shown.name_full in known:
            continue
        known.add(shown.name_full)
        yield from shown.all_objects
        yield from _instanced(shown.all_objects, known)


def once(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Return verdicts without those that say the same of the same person."""
    return list({(v.name, v.status.state, v.status.reason, v.use): v for v in verdicts}.values())


def _asked(item: Any, scene: Any, act: Act, now: datetime, fresh: bool) -> tuple:
    """What a verdict depends on beside the body."""
    said = scene.bodyscan
    use = (said.purpose, said.territory, said.medium, said.licensee, said.product_line)
    change = change_of(item, act)
    known = guard_evidence.known(now, fresh=fresh)
    person = people.person_of(item)
    name = person.name if person is not None else item.name
    held = (people.consent_of(item), _problem(item, person), people.is_twin(item))
    return (*held, name, use, act, change, known.key)


def _judge(item: Any, scene: Any, act: Act, now: datetime, body: Any) -> Verdict:
    person = people.person_of(item)
    name = person.name if person is not None else item.name
    text, known = people.consent_of(item), guard_evidence.known(now, fresh=False)
    try:
        use = stated_use(scene, act)
    except InputError as error:
        return Verdict(name, unknown(str(error)), None, text, known.words)
    if text is None:
        return Verdict(name, missing(_why_missing(item, person)), use, None, known.words)
    if known.problem:
        return Verdict(name, unknown(known.problem), use, text, known.words)
    change: Change | None = change_of(item, act)
    if people.is_twin(item):
        status = judge(text, body, use, now, known.evidence, change)
    else:
        status = judge_unbound(text, use, now, known.evidence, change)
    guard_evidence.remember_lists(status.record, known, now)
    if status.record is not None:
        name = status.record.subject.pseudonym
    return Verdict(name, status, use, text, known.words)


def _why_missing(item: Any, person: people.Person | None) -> str:
    if known := _problem(item, person):
        return known
    if people.is_twin(item):
        return ""
    return "the scan has no consent record. Import it again with the one that its person signed."


def _problem(item: Any, person: people.Person | None) -> str:
    found = item.get(PROBLEM) or (person.collection.get(PROBLEM) if person is not None else None)
    return found if isinstance(found, str) else ""


def evidence(now: datetime) -> Evidence:
    """Return what the evidence folder holds. Raises `InputError` where it cannot be read."""
    known = guard_evidence.known(now)
    if known.problem:
        raise InputError(known.problem)
    return known.evidence


def forget_verdicts() -> None:
    """Judge all anew: another file, or evidence that is to be looked at again."""
    _judged.clear()
    _latest.clear()
    guard_evidence.forget()


def register() -> None:
    for name in GUARDS:
        module = importlib.import_module(f".{name}", __package__)
        module.register()
        _registered.append(module)


def unregister() -> None:
    while _registered:
        _registered.pop().unregister()
    _judged.clear()
    _latest.clear()
