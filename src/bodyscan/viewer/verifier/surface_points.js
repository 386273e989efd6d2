/**
 * What a surface carries at given points: the values of its vertices, blended in the nearest triangle. The
 * parts of a seal (rig, face shapes, texture) are compared at the points of its fingerprint.
 */
import { base64Decode } from "./bytes.js";
import { InputError } from "./errors.js";
import { nearestOnSurface } from "./nearest.js";

/**
 * A body in its rest pose, as a file holds it. Metres, +Y up.
 * @typedef {object} BodyContent
 * @property {Float32Array} positions three a vertex
 * @property {Uint32Array} faces three indices a triangle
 * @property {Float64Array} jointPlaces three a joint; empty without a skeleton
 * @property {{width: number, joints: Uint32Array, weights: Float32Array} | undefined} influences
 * @property {{name: string, deltas: Float32Array}[]} morphs three a vertex, metres
 * @property {Float32Array | undefined} uvs two a vertex, origin at the top left
 * @property {{width: number, height: number, rgb: Uint8Array} | undefined} albedo sRGB, row 0 at the top
 * @property {Uint8Array | undefined} colors three a vertex, sRGB
 * @property {[number, number, number]} tint linear factor on all colours
 * @property {Record<string, string>} unread part -> why it is there and cannot be read here
 * @property {Record<string, string>} problems part -> what the file holds of it that no twin does
 */

/** The places of a body's surface that are nearest to points. */
export class SurfacePoints {
  /** @param {BodyContent} content @param {Float64Array} points three a point */
  constructor(content, points) {
    const { positions, faces } = content;
    if (!faces.length) throw new InputError("The mesh has no triangle; there is nothing to compare.");
    this.points = points;
    this.count = points.length / 3;
    this.nearest = nearestOnSurface(positions, faces);
    this.distances = new Float64Array(this.count);
    this.corners = new Uint32Array(3 * this.count);
    this.shares = new Float64Array(3 * this.count);
    for (let index = 0; index < this.count; index++) {
      const [x, y, z] = points.subarray(3 * index, 3 * index + 3);
      const { distance, face, point } = this.nearest(x, y, z);
      this.distances[index] = distance;
      /** @type {[number, number, number]} */
      const corners = [faces[3 * face], faces[3 * face + 1], faces[3 * face + 2]];
      this.corners.set(corners, 3 * index);
      this.shares.set(sharesOf(point, positions, ...corners), 3 * index);
    }
  }

  /**
   * Return the values at one point, blended from those of three vertices.
   * @param {ArrayLike<number>} perVertex @param {number} width values a vertex @param {number} index
   */
  values(perVertex, width, index) {
    const result = new Array(width).fill(0);
    for (let corner = 0; corner < 3; corner++) {
      const share = this.shares[3 * index + corner];
      const at = width * this.corners[3 * index + corner];
      for (let column = 0; column < width; column++) result[column] += share * perVertex[at + column];
    }
    return result;
  }

  /** Largest distance of other points to the surface, metres. @param {Float64Array} points */
  farthest(points) {
    let largest = 0;
    for (let at = 0; at < points.length; at += 3) {
      largest = Math.max(largest, this.nearest(points[at], points[at + 1], points[at + 2]).distance);
    }
    return largest;
  }
}

/** Barycentric weights by the normal equations of two edges (Ericson 2005, section 3.4), cut to 0..1. */
function sharesOf(point, positions, a, b, c) {
  const edge = (to) => [0, 1, 2].map((axis) => positions[3 * to + axis] - positions[3 * a + axis]);
  const dot = (u, v) => u[0] * v[0] + u[1] * v[1] + u[2] * v[2];
  const [first, second] = [edge(b), edge(c)];
  const offset = point.map((value, axis) => value - positions[3 * a + axis]);
  const [d00, d01, d11] = [dot(first, first), dot(first, second), dot(second, second)];
  const [d20, d21] = [dot(offset, first), dot(offset, second)];
  const scale = d00 * d11 - d01 * d01;
  const [v, w] = [(d11 * d20 - d01 * d21) / scale, (d00 * d21 - d01 * d20) / scale];
  if (!Number.isFinite(v) || !Number.isFinite(w)) return [1, 0, 0];
  const cut = [1 - v - w, v, w].map((share) => Math.min(Math.max(share, 0), 1));
  const sum = cut[0] + cut[1] + cut[2];
  return cut.map((share) => share / sum);
}

/**
 * Return the rows that a seal holds as base64: arrays of numbers, by the fields of a row.
 * @param {string} text @param {("u2" | "i2" | "i1" | "u1")[]} fields @param {string} what
 * @returns {number[][]}
 */
export function unpackRows(text, fields, what) {
  const sizes = { u2: 2, i2: 2, i1: 1, u1: 1 };
  const size = fields.reduce((sum, field) => sum + sizes[field], 0);
  let data;
  try {
    data = base64Decode(text);
    if (data.length % size) throw new Error();
  } catch {
    throw new InputError(`The seal's ${what} cannot be read: they are no whole rows.`);
  }
  const view = new DataView(data.buffer);
  const getters = { u2: "getUint16", i2: "getInt16", i1: "getInt8", u1: "getUint8" };
  return Array.from({ length: data.length / size }, (_, row) => {
    let at = row * size;
    return fields.map((field) => {
      const value = view[getters[field]](at, true);
      at += sizes[field];
      return value;
    });
  });
}

/**
 * Throw where a row names a point that is not there.
 * @param {number} index
 * @param {number} count
 * @param {string} what
 */
export function checkIndex(index, count, what) {
  if (index >= count)
    throw new InputError(`The seal's ${what} name point ${index}; its fingerprint has ${count}.`);
}
