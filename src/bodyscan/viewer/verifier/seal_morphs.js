/** How a body's face shapes match a seal. Same rules as `bodyscan.consent.seal.morphs`. */
import { pageData } from "./data.js";
import { shapeKey } from "./content.js";
import { RowDigest, floatBits, rint, usedVertices } from "./digests.js";
import { checkIndex, unpackRows } from "./surface_points.js";

const HEADER = "bodyscan face shapes v1\n";
const STEPS = 127;

/**
 * @typedef {import("./surface_points.js").BodyContent} BodyContent
 * @param {any} seal the seal's `morphs` @param {BodyContent} content
 * @param {() => import("./surface_points.js").SurfacePoints} at
 * @returns {Promise<import("./seal_rig.js").PartReport>}
 */
export async function compareMorphs(seal, content, at) {
  if (seal && content.problems.morphs) return { verdict: "altered", reason: content.problems.morphs };
  if (content.unread.morphs) return { verdict: "unread", reason: content.unread.morphs };
  const found = new Map(content.morphs.map((morph) => [shapeKey(morph.name), morph]));
  if (!seal) {
    return found.size
      ? { verdict: "added", reason: `the file has ${found.size} face shapes; the bound body has none` }
      : { verdict: "unbound", reason: "neither the file nor the binding has face shapes" };
  }
  if (!found.size) return { verdict: "missing", reason: "the file has no face shapes" };
  if ((await morphsDigest(content)) === seal.digest) {
    return { verdict: "exact", reason: `all ${found.size} face shapes are those that were bound` };
  }
  return compareShapes(seal, content, found, at);
}

function compareShapes(seal, content, found, at) {
  const bound = new Map(seal.shapes.map((shape) => [shape.name, shape]));
  const extra = [...found.keys()].filter((name) => !bound.has(name)).sort();
  const missing = [...bound.keys()].filter((name) => !found.has(name)).sort();
  const used = usedVertices(content.faces, content.positions.length / 3);
  const limits = pageData().limits.shapes;
  const changed = [];
  let worst = 0;
  for (const [name, shape] of bound) {
    const morph = found.get(name);
    if (!morph) continue;
    const { apart, elsewhere } = apartMm(shape, morph.deltas, used, at());
    worst = Math.max(worst, apart);
    if (apart > limits.maxMm + (limits.maxShare * shape.largest_um) / 1000) {
      changed.push({ apart, words: `${name} differs by ${apart.toFixed(1)} mm` });
    } else if (elsewhere > limits.meanMm + (limits.meanShare * shape.mean_um) / 1000) {
      const words = `${name} moves other places too, ${elsewhere.toFixed(2)} mm on average`;
      changed.push({ apart: elsewhere, words });
    }
  }
  if (changed.length || extra.length) {
    changed.sort((a, b) => b.apart - a.apart);
    const told = changed.slice(0, 3).map(({ words }) => words);
    if (changed.length > 3) told.push(`${changed.length - 3} more differ`);
    if (extra.length) told.push(`${some(extra)} was not bound`);
    return { verdict: "altered", reason: told.join("; ") };
  }
  const kept = `the same within ${worst.toFixed(2)} mm`;
  if (!missing.length) return { verdict: "kept", reason: `all ${bound.size} face shapes are ${kept}` };
  const gone = `${missing.length} of ${bound.size} face shapes are not in the file (${some(missing)})`;
  return { verdict: "missing", reason: `${gone}; the others are ${kept}` };
}

function some(names) {
  return names.slice(0, 3).join(", ") + (names.length > 3 ? " ..." : "");
}

/** How far a shape is from the sealed one, mm: at a told place, and on average over all points. */
function apartMm(shape, deltas, used, at) {
  const step = (Math.max(shape.largest_um, 1) * 1e-6) / STEPS;
  let apart = Math.abs(largestUm(deltas, used) - shape.largest_um) / 1000;
  for (const [point, ...delta] of unpackRows(shape.moves, ["u2", "i1", "i1", "i1"], `shape ${shape.name}`)) {
    checkIndex(point, at.count, `shape ${shape.name}`);
    const here = at.values(deltas, 3, point);
    apart = Math.max(apart, 1000 * Math.hypot(...here.map((value, axis) => value - delta[axis] * step)));
  }
  let sum = 0;
  for (let point = 0; point < at.count; point++) sum += Math.hypot(...at.values(deltas, 3, point));
  return { apart, elsewhere: Math.abs((1e6 * sum) / at.count - shape.mean_um) / 1000 };
}

function largestUm(deltas, used) {
  let largest = 0;
  used.forEach((isUsed, vertex) => {
    if (isUsed) largest = Math.max(largest, length(deltas, vertex));
  });
  return rint(1e6 * largest);
}

function length(deltas, vertex) {
  return Math.hypot(deltas[3 * vertex], deltas[3 * vertex + 1], deltas[3 * vertex + 2]);
}

/** @param {BodyContent} content */
export async function morphsDigest({ morphs, positions, faces }) {
  const used = usedVertices(faces, positions.length / 3);
  const digest = new RowDigest(HEADER, morphs.length);
  const named = morphs.map((morph) => ({ ...morph, key: shapeKey(morph.name) }));
  for (const { key, deltas } of named.sort((a, b) => (a.key < b.key ? -1 : 1))) {
    const rows = [];
    used.forEach((isUsed, vertex) => {
      if (!isUsed || length(deltas, vertex) <= pageData().limits.shapes.leastM) return;
      for (const values of [positions, deltas]) {
        for (let axis = 0; axis < 3; axis++) rows.push(floatBits(values[3 * vertex + axis]));
      }
    });
    digest.addText(key);
    digest.addRows(Uint32Array.from(rows), 6);
  }
  return `morphs-sha256-v1:${await digest.hex()}`;
}
