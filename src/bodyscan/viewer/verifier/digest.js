/**
 * A digest of a surface that harmless re-packing leaves as it is: over the set of oriented triangles in the
 * rest pose, with float32 corners. The order of vertices and triangles, split or welded vertices and repeated
 * triangles make no difference. Same bytes as `bodyscan.consent.digest.geometry_digest`.
 */
import { hex, sha256, utf8Encode } from "./bytes.js";
import { InputError } from "./errors.js";

const HEADER = utf8Encode("bodyscan oriented triangle set v1\n");

/**
 * Return `tri-sha256-v1:` and 64 hex digits.
 * @param {Float32Array} positions three a vertex, metres, rest pose
 * @param {Uint32Array} faces three indices a triangle
 */
export async function geometryDigest(positions, faces) {
  const points = Float32Array.from(positions, (value) => value + 0); // minus zero becomes zero
  const bits = new Uint32Array(points.buffer);
  const { place, first } = ordered(bits);
  const rows = sortedTriangles(faces, place);
  const data = new Uint8Array(HEADER.length + 8 + rows.length * 12);
  data.set(HEADER);
  const view = new DataView(data.buffer);
  view.setBigUint64(HEADER.length, BigInt(rows.length / 3), true);
  rows.forEach((point, index) => {
    const at = HEADER.length + 8 + 12 * index;
    for (let axis = 0; axis < 3; axis++) view.setUint32(at + 4 * axis, bits[3 * first[point] + axis], true);
  });
  return `tri-sha256-v1:${hex(await sha256(data))}`;
}

/** Return for each vertex the place of its point among the different points, and a vertex of each point. */
function ordered(bits) {
  const compare = (a, b) =>
    bits[3 * a] - bits[3 * b] || bits[3 * a + 1] - bits[3 * b + 1] || bits[3 * a + 2] - bits[3 * b + 2];
  const order = Uint32Array.from({ length: bits.length / 3 }, (_, index) => index).sort(compare);
  const place = new Uint32Array(order.length);
  const first = [];
  order.forEach((vertex, index) => {
    if (!index || compare(order[index - 1], vertex)) first.push(vertex);
    place[vertex] = first.length - 1;
  });
  return { place, first };
}

/** Return the different triangles in order, each from its least corner on. */
function sortedTriangles(faces, place) {
  const corners = new Uint32Array(faces.length);
  let count = 0;
  for (let at = 0; at < faces.length; at += 3) {
    const [a, b, c] = [place[faces[at]], place[faces[at + 1]], place[faces[at + 2]]];
    if (a === b || b === c || c === a) continue;
    const turned = a < b && a < c ? [a, b, c] : b < c ? [b, c, a] : [c, a, b];
    corners.set(turned, 3 * count++);
  }
  if (!count) {
    throw new InputError(
      "The mesh has no triangle with three different corners; there is nothing to compare.",
    );
  }
  const compare = (a, b) =>
    corners[3 * a] - corners[3 * b] ||
    corners[3 * a + 1] - corners[3 * b + 1] ||
    corners[3 * a + 2] - corners[3 * b + 2];
  const order = Uint32Array.from({ length: count }, (_, index) => index).sort(compare);
  const rows = [];
  order.forEach((row, index) => {
    if (index && !compare(order[index - 1], row)) return;
    rows.push(corners[3 * row], corners[3 * row + 1], corners[3 * row + 2]);
  });
  return rows;
}
