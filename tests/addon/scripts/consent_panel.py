"""The panel, drawn on a stand-in that records it, the overlay, and the operators behind the buttons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bodyscan_blender import people
from bodyscan_blender.consent import consent_panel, overlay
from bodyscan_blender.guards import guard, guard_withhold, verdicts

from addon.scripts.consent_scene import aim, attempt, empty, fresh, save, verdict
from addon.scripts.recording import buttons, draw, words


def drawn() -> list[Any]:
    """What the panel draws of the scene as it is."""
    found = draw(consent_panel.VIEW3D_PT_bodyscan_consent, bpy.context)
    assert found is not None
    return found


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    folder = Path(arguments["folder"])
    twin, other = arguments["twin"], arguments["other"]
    return {
        "panel": panel(twin),
        "overlay": labels(twin, other),
        "load": load(folder, twin, arguments),
        "use": use(twin),
        "read": read(twin),
        "forget": forget(folder, twin, other),
        "stranger": stranger(twin),
        "guardian": guardian(arguments["child"]),
    }


def panel(twin: str) -> dict[str, Any]:
    empty()
    found = {"nobody": words(drawn())}
    fresh(twin)
    kept = drawn()
    found["allowed"] = words(kept)
    found["operators"] = sorted({name.split(":")[0] for name in buttons(kept)})
    found["props"] = [one.name for one in kept if one.kind == "prop"]
    found["alerts"] = [one.text for one in kept if one.alert]
    aim("ai_training")
    kept = drawn()
    found["refused"] = words(kept)
    found["refused alerts"] = " ".join(one.text for one in kept if one.alert)
    verdict = guard.seen(guard.twins_in(bpy.context.scene)[0], bpy.context.scene)
    found["told"] = consent_panel.panel_words(verdict)
    return found


def labels(twin: str, other: str) -> dict[str, Any]:
    """What the overlay says, and where; nothing is drawn without a window."""
    first, second = fresh(twin, other)
    found: dict[str, Any] = {
        "allowed": [[lines, is_allowed] for _, lines, is_allowed in overlay.labels(bpy.context.scene)]
    }
    top = max((first.matrix_world @ corner.co).z for corner in first.data.vertices)
    found["above"] = abs(overlay.anchor(first).z - top) < 1e-3
    aim("ai_training")
    guard_withhold.withhold()
    found["refused"] = [[lines, is_allowed] for _, lines, is_allowed in overlay.labels(bpy.context.scene)]
    aim("make_twin")
    guard_withhold.withhold()
    second.hide_set(True)
    found["hidden"] = [item.name for item, _, _ in overlay.labels(bpy.context.scene)]
    found["handles"] = len(overlay._handles)
    overlay.draw()  # without a 3D view there is nothing to draw on
    return found


def load(folder: Path, twin: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Another record for the same body; one of another body, one of nobody, and none at all."""
    (item,) = fresh(twin)
    own = people.consent_of(item)

    def attach(name: str) -> str:
        return attempt(lambda: bpy.ops.bodyscan.load_consent(filepath=arguments.get(name, name)))

    found = {"renewed": attach("renewed")}
    found["is renewed"] = people.consent_of(item) == Path(arguments["renewed"]).read_text()
    found["extras too"] = item[people.GLTF_EXTRAS]["consent"] == people.consent_of(item)
    found["from a twin"] = attach("twin")
    found["is own"] = people.consent_of(item) == own
    for name in ("unbound", "foreign", "tampered", "/nowhere/gone.json"):
        found[name] = attach(name)
    found["kept"] = people.consent_of(item) == own
    people.person_of(item).consent = None
    del item[people.GLTF_EXTRAS]
    guard_withhold.withhold()
    found["lost"] = [verdict(item), item.hide_viewport]
    found["found again"] = attach("renewed")
    found["shown again"] = item.hide_viewport
    people.new_person(bpy.context.scene, "Eve")
    found["no twin"] = attempt(
        lambda: bpy.ops.bodyscan.load_consent(filepath=arguments["renewed"], person="Eve")
    )
    return found


def use(twin: str) -> dict[str, Any]:
    fresh(twin)
    choose = bpy.ops.bodyscan.choose_use
    found = {
        "done": attempt(lambda: choose(purpose="render", territory="DE", medium="web", reference="Spring"))
    }
    said = bpy.context.scene.bodyscan
    found["said"] = [said.purpose, said.territory, said.medium, bpy.context.scene.bodyscan_reference]
    found["nowhere"] = attempt(lambda: choose(purpose="render", territory="Atlantis"))
    found["still"] = [said.purpose, said.territory, said.medium]
    attempt(lambda: choose(purpose="export"))
    found["cleared"] = [said.purpose, said.territory, said.medium]
    found["check"] = attempt(lambda: bpy.ops.bodyscan.check_consents())
    aim("ai_training")
    found["check refused"] = attempt(lambda: bpy.ops.bodyscan.check_consents())
    empty()
    found["check nobody"] = attempt(lambda: bpy.ops.bodyscan.check_consents())
    return found


def read(twin: str) -> dict[str, Any]:
    fresh(twin)
    done = attempt(lambda: bpy.ops.bodyscan.show_consent())
    empty()
    return {"done": done, "nobody": attempt(lambda: bpy.ops.bodyscan.show_consent())}


def forget(folder: Path, twin: str, other: str) -> dict[str, Any]:
    """Everything of one person goes, everything of the other stays, and the file can be saved again."""
    first, second = fresh(twin, other)
    name, other_name = (people.person_of(item).name for item in (first, second))
    work = folder / "work"
    work.mkdir()
    people.person_of(first).collection[people.FOLDER] = str(work)
    before = counts()
    aim("ai_training")
    found = {"refused": save(folder / "forget.blend")}
    found["done"] = attempt(lambda: bpy.ops.bodyscan.forget_person(person=name, delete_folder=False))
    found["left"] = [person.name for person in people.people_of(bpy.context.scene)]
    found["halved"] = {key: [before[key], value] for key, value in counts().items()}
    found["folder kept"] = work.exists()
    found["other"] = attempt(lambda: bpy.ops.bodyscan.forget_person(person=other_name))
    found["nothing"] = counts()
    found["saved"] = save(folder / "forget.blend")
    data = (folder / "forget.blend").read_bytes()
    found["traces"] = [word for word in (b"DEMO Ada", b"DEMO Bob", b"bodyscan_consent\0") if word in data]
    found["nobody"] = attempt(lambda: bpy.ops.bodyscan.forget_person(person="Ada"))
    return found


def counts() -> dict[str, int]:
    """How much of people is in the file. The importer's own shapes of bones are nobody's."""
    kinds = ("armatures", "materials", "images", "shape_keys")
    found = {kind: len(getattr(bpy.data, kind)) for kind in kinds}
    return {**found, "bodies": sum(people.BODY_VERTEX in mesh.attributes for mesh in bpy.data.meshes)}


def stranger(twin: str) -> dict[str, Any]:
    """A twin that is in nobody's collection becomes a person when something is to be done with it."""
    (item,) = fresh(twin)
    collection = people.person_of(item).collection
    bpy.context.scene.collection.objects.link(item)
    collection.objects.unlink(item)
    for name in (people.PERSON, people.ROLE):
        del item[name]
    bpy.data.collections.remove(collection)
    bpy.context.view_layer.objects.active = item
    found = {
        "before": [person.name for person in people.people_of(bpy.context.scene)],
        "verdict": verdict(item),
    }
    found["drawn"] = "Who" in words(drawn())
    found["done"] = attempt(lambda: bpy.ops.bodyscan.forget_person())
    found["objects"] = [item.name for item in bpy.data.objects if people.is_twin(item)]
    return found


def guardian(child: str) -> dict[str, Any]:
    fresh(child)
    scene = bpy.context.scene
    record = guard.verdict_of(guard.twins_in(scene)[0], scene).status.record
    return {"panel": words(drawn()), "rows": [title for title, _ in verdicts.panel_rows(record)]}
