/** The nearest place: of a triangle surface, and of a set of points. Trees of boxes, split at the median. */

const LEAF = 8;

/** A tree over items, each with a box. */
class BoxTree {
  /**
   * @param {number} count items
   * @param {Float64Array} low three numbers an item @param {Float64Array} high
   */
  constructor(count, low, high) {
    this.items = Uint32Array.from({ length: count }, (_, index) => index);
    this.low = low;
    this.high = high;
    this.root = this.build(0, count);
  }

  build(begin, end) {
    const box = new Float64Array([Infinity, Infinity, Infinity, -Infinity, -Infinity, -Infinity]);
    for (let i = begin; i < end; i++) {
      const at = 3 * this.items[i];
      for (let axis = 0; axis < 3; axis++) {
        if (this.low[at + axis] < box[axis]) box[axis] = this.low[at + axis];
        if (this.high[at + axis] > box[3 + axis]) box[3 + axis] = this.high[at + axis];
      }
    }
    if (end - begin <= LEAF) return { box, begin, end };
    const sides = [0, 1, 2].map((axis) => box[3 + axis] - box[axis]);
    const axis = sides.indexOf(Math.max(...sides));
    const middle = (begin + end) >> 1;
    const { low, high } = this;
    this.items
      .subarray(begin, end)
      .sort((a, b) => low[3 * a + axis] + high[3 * a + axis] - low[3 * b + axis] - high[3 * b + axis]);
    return { box, left: this.build(begin, middle), right: this.build(middle, end) };
  }

  /**
   * Return the least of `squared(item)` over all items, and its item; it must be no less than to the item's
   * box.
   * @param {number[] | Float64Array} point @param {(item: number) => number} squared
   */
  least(point, squared) {
    let [best, item] = [Infinity, 0];
    const visit = (node) => {
      if (node.left) {
        const [a, b] = [toBox(point, node.left.box), toBox(point, node.right.box)];
        const [near, far] = a < b ? [node.left, node.right] : [node.right, node.left];
        if (Math.min(a, b) < best) visit(near);
        if (Math.max(a, b) < best) visit(far);
        return;
      }
      for (let i = node.begin; i < node.end; i++) {
        const value = squared(this.items[i]);
        if (value < best) [best, item] = [value, this.items[i]];
      }
    };
    visit(this.root);
    return { squared: best, item };
  }
}

function toBox(point, box) {
  let sum = 0;
  for (let axis = 0; axis < 3; axis++) {
    const out = Math.max(box[axis] - point[axis], point[axis] - box[3 + axis], 0);
    sum += out * out;
  }
  return sum;
}

/**
 * Return a function that gives the distance of a point to a set of points.
 * @param {Float64Array} points three numbers a point
 */
export function distanceToPoints(points) {
  const tree = new BoxTree(points.length / 3, points, points);
  return (x, y, z) => {
    const squared = (item) =>
      (points[3 * item] - x) ** 2 + (points[3 * item + 1] - y) ** 2 + (points[3 * item + 2] - z) ** 2;
    return Math.sqrt(tree.least([x, y, z], squared).squared);
  };
}

/**
 * Return a function that gives the nearest place of a surface to a point: its distance, triangle and place.
 * @param {Float32Array} positions @param {Uint32Array} faces
 */
export function nearestOnSurface(positions, faces) {
  const count = faces.length / 3;
  const [low, high] = [
    new Float64Array(3 * count).fill(Infinity),
    new Float64Array(3 * count).fill(-Infinity),
  ];
  for (let corner = 0; corner < faces.length; corner++) {
    const row = Math.floor(corner / 3);
    for (let axis = 0; axis < 3; axis++) {
      const value = positions[3 * faces[corner] + axis];
      low[3 * row + axis] = Math.min(low[3 * row + axis], value);
      high[3 * row + axis] = Math.max(high[3 * row + axis], value);
    }
  }
  const tree = new BoxTree(count, low, high);
  const corner = (face, index) => {
    const at = 3 * faces[3 * face + index];
    return [positions[at], positions[at + 1], positions[at + 2]];
  };
  return (x, y, z) => {
    const point = [x, y, z];
    const place = (face) => onTriangle(point, corner(face, 0), corner(face, 1), corner(face, 2));
    const { squared, item } = tree.least(point, (face) => {
      const offset = minus(point, place(face));
      return dot(offset, offset);
    });
    return { distance: Math.sqrt(squared), face: item, point: place(item) };
  };
}

/**
 * Return the place of a triangle nearest to a point, by the region of the triangle's plane that the point
 * lies
 * over (C. Ericson, "Real-Time Collision Detection", 2005, section 5.1.5).
 */
function onTriangle(point, a, b, c) {
  const [ab, ac, ap] = [minus(b, a), minus(c, a), minus(point, a)];
  const [d1, d2] = [dot(ab, ap), dot(ac, ap)];
  if (d1 <= 0 && d2 <= 0) return a;
  const bp = minus(point, b);
  const [d3, d4] = [dot(ab, bp), dot(ac, bp)];
  if (d3 >= 0 && d4 <= d3) return b;
  const vc = d1 * d4 - d3 * d2;
  if (vc <= 0 && d1 >= 0 && d3 <= 0) return along(a, ab, d1 / (d1 - d3));
  const cp = minus(point, c);
  const [d5, d6] = [dot(ab, cp), dot(ac, cp)];
  if (d6 >= 0 && d5 <= d6) return c;
  const vb = d5 * d2 - d1 * d6;
  if (vb <= 0 && d2 >= 0 && d6 <= 0) return along(a, ac, d2 / (d2 - d6));
  const va = d3 * d6 - d5 * d4;
  if (va <= 0 && d4 - d3 >= 0 && d5 - d6 >= 0)
    return along(b, minus(c, b), (d4 - d3) / (d4 - d3 + (d5 - d6)));
  const [v, w] = [vb / (va + vb + vc), vc / (va + vb + vc)];
  return [0, 1, 2].map((axis) => a[axis] + v * ab[axis] + w * ac[axis]);
}

function along(from, edge, share) {
  const step = Number.isFinite(share) ? share : 0; // an edge without length
  return [from[0] + step * edge[0], from[1] + step * edge[1], from[2] + step * edge[2]];
}

function minus(a, b) {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

function dot(a, b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
