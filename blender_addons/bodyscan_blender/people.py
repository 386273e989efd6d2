# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is in a scene: a person is a collection, and each of its objects has a role.

All of it is custom properties, which are saved with the file, copied with the objects and undone with them;
nothing is remembered beside the scene.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from bodyscan.errors import InputError

PERSON = "bodyscan_person"
"""Of a person's collection and of each object: 12 hex digits."""
ROLE = "bodyscan_role"
"""Of an object: one of `ROLES`."""
CONSENT = "bodyscan_consent"
"""Of a person's collection, of the twin and of its armature: the signed record's JSON text."""
FOLDER = "bodyscan_folder"
"""Of a person's collection: the absolute path of the working folder."""
GLTF_EXTRAS = "bodyscan"
"""Of a twin's mesh object: the extras of the GLB's body node, among them `consent`, as Blender's own importer
leaves them and its exporter writes them."""
BODY_VERTEX = "_BODY_VERTEX"
"""Mesh attribute that only a twin has: the vertex of the body's topology."""

ROLES = ("scan", "surface", "landmark", "twin", "level", "armature", "collision", "garment")
"""The raw scan; the surface that was fitted to it; one empty a landmark; the rigged twin; a coarser level of
its detail; its skeleton; the body that cloth collides with; cloth."""
UNBOUND = ("scan", "surface")
"""Roles that show the person and that no record is bound to: consents are bound when a twin is made."""


@dataclass(unsafe_hash=True)
class Person:
    """A person in the scene."""

    collection: Any

    @property
    def id(self) -> str:
        return str(self.collection[PERSON])

    @property
    def name(self) -> str:
        return str(self.collection.name)

    @property
    def consent(self) -> str | None:
        """The record's text, or None where there is none."""
        text = self.collection.get(CONSENT)
        return text if isinstance(text, str) and text.strip() else None

    @consent.setter
    def consent(self, text: str | None) -> None:
        for holder in (self.collection, *self.objects("twin"), *self.objects("armature")):
            if text is not None:
                holder[CONSENT] = text
            elif CONSENT in holder:
                del holder[CONSENT]

    @property
    def folder(self) -> Path | None:
        """The working folder, or None for a twin that was read from a file."""
        path = self.collection.get(FOLDER)
        return Path(path) if isinstance(path, str) and path else None

    def objects(self, role: str) -> list[Any]:
        """The objects of a role, by name."""
        return sorted(
            (item for item in self.collection.all_objects if item.get(ROLE) == role), key=lambda o: o.name
        )

    def object(self, role: str) -> Any | None:
        """The first object of a role, or None."""
        return next(iter(self.objects(role)), None)

    def add(self, item: Any, role: str) -> Any:
        """Put an object into the person's collection under a role, and return it."""
        if role not in ROLES:
            raise ValueError(f"'{role}' is no role; roles are {', '.join(ROLES)}.")
        item[PERSON], item[ROLE] = self.id, role
        if role in ("twin", "armature") and self.consent is not None:
            item[CONSENT] = self.consent
        for other in item.users_collection:
            other.objects.unlink(item)
        self.collection.objects.link(item)
        return item

    def remove(self, role: str) -> None:
        """Delete the objects of a role, and their data where nothing else uses it."""
        for item in self.objects(role):
            data = item.data
            bpy.data.objects.remove(item, do_unlink=True)
            if data is not None and data.users == 0:
                bpy.data.batch_remove([data])


def new_person(scene: Any, name: str, *, consent: str | None = None, folder: Path | None = None) -> Person:
    """Add an empty person to the scene."""
    collection = bpy.data.collections.new(name)
    collection[PERSON] = uuid.uuid4().hex[:12]
    if folder is not None:
        collection[FOLDER] = str(folder)
    scene.collection.children.link(collection)
    person = Person(collection)
    if consent is not None:
        person.consent = consent
    return person


def people_of(scene: Any) -> list[Person]:
    """Everybody in the scene."""
    return [Person(c) for c in scene.collection.children_recursive if isinstance(c.get(PERSON), str)]


def person_of(item: Any) -> Person | None:
    """The person that an object belongs to, or None."""
    known = item.get(PERSON) if item is not None else None
    for collection in bpy.data.collections:
        if collection.get(PERSON) is not None and collection.get(PERSON) == known:
            return Person(collection)
    return None


def active_person(context: Any) -> Person | None:
    """The person of the active object; where that is nobody's, the only person of the scene, or None."""
    person = person_of(context.active_object)
    if person is not None:
        return person
    everybody = people_of(context.scene)
    return everybody[0] if len(everybody) == 1 else None


def chosen_person(context: Any, name: str = "") -> Person:
    """Return the person of a name or an id, else the active one. Raises `InputError` for nobody."""
    everybody = people_of(context.scene)
    if name:
        for person in everybody:
            if name in (person.id, person.name):
                return person
        known = ", ".join(person.name for person in everybody) or "nobody"
        raise InputError(f"There is no person '{name}' in this scene; there is {known}.")
    person = active_person(context)
    if person is not None:
        return person
    if not everybody:
        raise InputError("There is nobody in this scene; import a capture first.")
    names = ", ".join(person.name for person in everybody)
    raise InputError(f"There are several persons in this scene ({names}); choose one of them first.")


def is_twin(item: Any) -> bool:
    """Whether an object is a person's twin, however it came into the scene.

    A twin that another add-on or Blender's own importer brought has no role; its extras, a record, or the
    attribute that only twins have tell it.
    """
    if item.type != "MESH":
        return False
    extras = item.get(GLTF_EXTRAS)
    return (
        item.get(ROLE) == "twin"
        or isinstance(item.get(CONSENT), str)
        or (extras is not None and "consent" in extras)
        or BODY_VERTEX in item.data.attributes
    )


def is_likeness(item: Any) -> bool:
    """Whether an object shows a person: a twin, their scan, or the surface that was fitted to it."""
    return item.type == "MESH" and (item.get(ROLE) in UNBOUND or is_twin(item))


def likenesses_of(scene: Any) -> Iterator[Any]:
    """Yield every object of the scene that shows a person."""
    return (item for item in scene.objects if is_likeness(item))


def one_each(items: Iterable[Any]) -> list[Any]:
    """Return one of the objects that show each person: the twin where there is one."""
    first: dict[str, Any] = {}
    for item in sorted(items, key=_rank):
        first.setdefault(item.get(PERSON) or item.name_full, item)
    return list(first.values())


def _rank(item: Any) -> int:
    """A twin goes before its levels and its collision body, and these before the surface and the scan."""
    if item.get(ROLE) in ("level", "collision"):
        return 1
    return 0 if is_twin(item) else 2 + UNBOUND[::-1].index(item.get(ROLE))


def consent_of(item: Any) -> str | None:
    """The consent text that an object carries: its own property, its extras, or its person's."""
    text = item.get(CONSENT)
    if not isinstance(text, str):
        extras = item.get(GLTF_EXTRAS)
        text = extras.get("consent") if extras is not None else None
    if not isinstance(text, str):
        person = person_of(item)
        text = person.consent if person is not None else None
    return text if isinstance(text, str) and text.strip() else None
