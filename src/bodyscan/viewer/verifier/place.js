/**
 * Where a surface stands otherwise than the bound one, a guess at how: units, axes, mirror, another place.
 * Same rules as `bodyscan.consent.seal.place`.
 */
import { pageData } from "./data.js";

/** @type {[number, string][]} */
const SCALES = [
  [100, "scaled by 100: are the units centimetres?"],
  [1000, "scaled by 1000: are the units millimetres?"],
  [0.01, "scaled by 0.01: were centimetres taken for metres?"],
  [0.001, "scaled by 0.001: were millimetres taken for metres?"],
  [39.3701, "scaled by 39.37: are the units inches?"],
  [3.28084, "scaled by 3.28: are the units feet?"],
];
const SCALE_SHARE = 0.02;
const SECOND_BODY = 0.5;
/** @type {[string, (x: number, y: number, z: number) => number[]][]} */
const MOVES = [
  ["mirrored left to right", (x, y, z) => [-x, y, z]],
  ["turned by 90 degrees: is Z up in it?", (x, y, z) => [x, -z, y]],
  ["turned by 90 degrees: does -Z point up in it?", (x, y, z) => [x, z, -y]],
  ["turned about: does it face -Z?", (x, y, z) => [-x, y, -z]],
  ["mirrored front to back", (x, y, z) => [x, y, -z]],
  ["upside down", (x, y, z) => [x, -y, z]],
];

/**
 * Return one clause on how the surface was moved as a whole, empty where that is not how it differs.
 * @param {number} areaRatio the surface's area by the bound one's
 * @param {import("./surface_points.js").BodyContent} content
 * @param {import("./surface_points.js").SurfacePoints} at
 */
export function guessPlace(areaRatio, content, at) {
  const { points } = at;
  const { maxMm } = pageData().limits.surface;
  const ratio = Math.sqrt(areaRatio);
  const fits = (moved, scale = 1) => 1000 * at.farthest(moved) < (maxMm + 0.5) * Math.max(scale, 1e-3);
  const scaled = (factor) => points.map((value) => value * factor);
  if (fits(points)) {
    // It stands where it stood, and there is more of it.
    const more = areaRatio > 1 + SECOND_BODY;
    return more ? "the bound body and more beside it: does the file hold a second body?" : "";
  }
  for (const [factor, words] of SCALES) {
    if (Math.abs(ratio / factor - 1) < SCALE_SHARE && fits(scaled(factor), factor)) return words;
  }
  if (Math.abs(ratio - 1) > SCALE_SHARE) {
    return fits(scaled(ratio), ratio) ? `scaled by ${Number(ratio.toPrecision(4))}` : "";
  }
  for (const [words, move] of MOVES) {
    const moved = points.slice();
    for (let i = 0; i < points.length; i += 3) moved.set(move(points[i], points[i + 1], points[i + 2]), i);
    if (fits(moved)) return words;
  }
  const [here, there] = [middle(content.positions, content.faces), middle(points)];
  const shift = here.map((value, axis) => value - there[axis]);
  const shifted = points.map((value, index) => value + shift[index % 3]);
  return fits(shifted) ? `moved by ${Math.hypot(...shift).toFixed(2)} m as a whole` : "";
}

/** True where the triangles look inward: the surface encloses a volume below zero. */
export function isInsideOut({ positions, faces }) {
  const mean = [0, 0, 0];
  for (const vertex of faces)
    for (let axis = 0; axis < 3; axis++) mean[axis] += positions[3 * vertex + axis] / faces.length;
  let volume = 0;
  const corner = (at) => [0, 1, 2].map((axis) => positions[3 * faces[at] + axis] - mean[axis]);
  for (let at = 0; at < faces.length; at += 3) {
    const [a, b, c] = [corner(at), corner(at + 1), corner(at + 2)];
    volume +=
      a[0] * (b[1] * c[2] - b[2] * c[1]) +
      a[1] * (b[2] * c[0] - b[0] * c[2]) +
      a[2] * (b[0] * c[1] - b[1] * c[0]);
  }
  return volume < 0;
}

/** Middle of the box of the points, of those that `vertices` name where they are given. */
function middle(points, vertices) {
  const [low, high] = [
    [Infinity, Infinity, Infinity],
    [-Infinity, -Infinity, -Infinity],
  ];
  const count = vertices ? vertices.length : points.length / 3;
  for (let index = 0; index < count; index++) {
    const at = 3 * (vertices ? vertices[index] : index);
    for (let axis = 0; axis < 3; axis++) {
      low[axis] = Math.min(low[axis], points[at + axis]);
      high[axis] = Math.max(high[axis], points[at + axis]);
    }
  }
  return low.map((value, axis) => (value + high[axis]) / 2);
}
