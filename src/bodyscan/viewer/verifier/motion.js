/**
 * What a file's animations do beside posing: a body that is bound at rest must not move as another one.
 * Joints may turn, and the roots of the skeleton may move. Same rules as `bodyscan.gltf.read_motion`.
 */
import { pageData } from "./data.js";
import { listOf, member } from "./views.js";

const POINTER = "KHR_animation_pointer";

/**
 * Return what an animation changes beside the pose, in words; empty where there is nothing.
 * @param {any} document
 * @param {import("./accessors.js").AccessorReader} reader
 */
export function motionProblem(document, reader) {
  const bones = bonesOf(document);
  for (const animation of listOf(document, "animations")) {
    for (const channel of animation.channels) {
      const { node: index, path = "", extensions = {} } = channel.target;
      if (path === "pointer" || POINTER in extensions) {
        return `an animation of the file changes more than the pose (${POINTER})`;
      }
      if (!["scale", "translation"].includes(path) || index === undefined) continue;
      const sampler = animation.samplers[channel.sampler];
      const problem = channelProblem(document, index, path, keysOf(sampler, reader), bones.has(index));
      if (problem) return problem;
    }
  }
  return "";
}

function channelProblem(document, index, path, keys, isBone) {
  const node = member(document, "nodes", index);
  const { scaleShare, movedM } = pageData().limits.motion;
  const name = node.name ?? `node ${index}`;
  if (path === "scale") {
    const rest = node.scale ?? [1, 1, 1];
    const other = keys.some((key) =>
      key.some((value, axis) => Math.abs(value - rest[axis]) > scaleShare * Math.abs(rest[axis])),
    );
    return other ? `an animation of the file makes ${name} larger or smaller` : "";
  }
  if (!isBone) return "";
  const rest = node.translation ?? [0, 0, 0];
  const away = keys.map((key) => Math.hypot(...key.map((value, axis) => value - rest[axis])));
  const moved = away.reduce((most, value) => Math.max(most, value), 0);
  const words = `an animation of the file moves ${name} ${(100 * moved).toFixed(0)} cm off its parent`;
  return moved > movedM ? words : "";
}

/** The keys of a sampler, three numbers each. */
function keysOf(sampler, reader) {
  const { values, width, count } = reader.read(sampler.output);
  if (width !== 3) throw new Error(`the keys of an animation have ${width} values`);
  const keys = Array.from({ length: count }, (_, key) => Array.from(values.subarray(3 * key, 3 * key + 3)));
  // A cubic spline's key is an in-tangent, a value and an out-tangent (glTF 2.0, 3.11).
  return sampler.interpolation === "CUBICSPLINE" ? keys.filter((_, key) => key % 3 === 1) : keys;
}

/** The joints that hang on another joint: these keep their distance in every pose. */
function bonesOf(document) {
  const joints = new Set(listOf(document, "skins").flatMap((skin) => skin.joints));
  const children = [...joints].flatMap((joint) => member(document, "nodes", joint).children ?? []);
  return new Set(children.filter((child) => joints.has(child)));
}
