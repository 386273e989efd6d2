/** The nearest place: of a triangle surface, and of a set of points. */
import { BoxTree } from "./box_tree.js";

/**
 * Return a function that gives the distance of a point to a set of points.
 * @param {Float64Array} points three numbers a point
 */
export function distanceToPoints(points) {
  const tree = new BoxTree(points.length / 3, points, points);
  return (x, y, z) => {
    const { squared } = tree.nearest(x, y, z, (item) => {
      const [dx, dy, dz] = [points[3 * item] - x, points[3 * item + 1] - y, points[3 * item + 2] - z];
      return dx * dx + dy * dy + dz * dz;
    });
    return Math.sqrt(squared);
  };
}

/**
 * Return a function that gives the nearest place of a surface to a point: its distance, triangle and place.
 * @param {Float32Array} positions
 * @param {Uint32Array} faces
 * @returns {(x: number, y: number, z: number) => {distance: number, face: number, point: number[]}}
 */
export function nearestOnSurface(positions, faces) {
  const count = faces.length / 3;
  const corners = new Float64Array(9 * count);
  const [low, high] = [
    new Float64Array(3 * count).fill(Infinity),
    new Float64Array(3 * count).fill(-Infinity),
  ];
  for (let corner = 0; corner < faces.length; corner++) {
    const box = 3 * Math.floor(corner / 3);
    for (let axis = 0; axis < 3; axis++) {
      const value = positions[3 * faces[corner] + axis];
      corners[3 * corner + axis] = value;
      low[box + axis] = Math.min(low[box + axis], value);
      high[box + axis] = Math.max(high[box + axis], value);
    }
  }
  const tree = new BoxTree(count, low, high);
  const place = new Float64Array(3);
  return (x, y, z) => {
    const squared = (face) => {
      onTriangle(x, y, z, corners, 9 * face, place);
      const [dx, dy, dz] = [place[0] - x, place[1] - y, place[2] - z];
      return dx * dx + dy * dy + dz * dz;
    };
    const { squared: least, item } = tree.nearest(x, y, z, squared);
    squared(item);
    return { distance: Math.sqrt(least), face: item, point: Array.from(place) };
  };
}

/**
 * Write the place of a triangle nearest to a point into `place`, by the region of the triangle's plane that
 * the
 * point lies over (C. Ericson, "Real-Time Collision Detection", 2005, section 5.1.5).
 * @param {number} x
 * @param {number} y
 * @param {number} z
 * @param {Float64Array} t corners
 * @param {number} at where the triangle's nine numbers begin
 * @param {Float64Array} place
 */
function onTriangle(x, y, z, t, at, place) {
  const [ax, ay, az] = [t[at], t[at + 1], t[at + 2]];
  const [ux, uy, uz] = [t[at + 3] - ax, t[at + 4] - ay, t[at + 5] - az];
  const [vx, vy, vz] = [t[at + 6] - ax, t[at + 7] - ay, t[at + 8] - az];
  const [px, py, pz] = [x - ax, y - ay, z - az];
  const [uu, uv, vv] = [
    ux * ux + uy * uy + uz * uz,
    ux * vx + uy * vy + uz * vz,
    vx * vx + vy * vy + vz * vz,
  ];
  const d1 = ux * px + uy * py + uz * pz;
  const d2 = vx * px + vy * py + vz * pz;
  const [d3, d4, d5, d6] = [d1 - uu, d2 - uv, d1 - uv, d2 - vv];
  let [s, r] = [0, 0]; // shares of the second and third corner
  if (d1 <= 0 && d2 <= 0) [s, r] = [0, 0];
  else if (d3 >= 0 && d4 <= d3) [s, r] = [1, 0];
  else if (d6 >= 0 && d5 <= d6) [s, r] = [0, 1];
  else {
    const [va, vb, vc] = [d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2];
    if (vc <= 0 && d1 >= 0 && d3 <= 0) [s, r] = [share(d1, d1 - d3), 0];
    else if (vb <= 0 && d2 >= 0 && d6 <= 0) [s, r] = [0, share(d2, d2 - d6)];
    else if (va <= 0 && d4 >= d3 && d5 >= d6) {
      r = share(d4 - d3, d4 - d3 + d5 - d6);
      s = 1 - r;
    } else [s, r] = [share(vb, va + vb + vc), share(vc, va + vb + vc)];
  }
  place[0] = ax + s * ux + r * vx;
  place[1] = ay + s * uy + r * vy;
  place[2] = az + s * uz + r * vz;
}

/** A part by its whole; 0 for an edge or triangle without size. */
function share(part, whole) {
  return whole ? part / whole : 0;
}
