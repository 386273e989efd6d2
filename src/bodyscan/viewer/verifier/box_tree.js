/**
 * A tree of boxes over items in space, in flat arrays: what is nearest is found without looking at all of
 * them.
 * Split at the median along the longest side.
 */

const LEAF = 4;

export class BoxTree {
  /**
   * @param {number} count items, at least one
   * @param {Float64Array} low three numbers an item
   * @param {Float64Array} high three numbers an item
   */
  constructor(count, low, high) {
    this.low = low;
    this.high = high;
    this.items = Uint32Array.from({ length: count }, (_, index) => index);
    const most = 2 * Math.ceil(count / (LEAF / 2)) + 1;
    this.boxes = new Float64Array(6 * most);
    /**
     * For each node its items' begin and end, and its second child (0 for a leaf); the first child follows
     * it.
     */
    this.nodes = new Uint32Array(3 * most);
    this.size = 0;
    this.build(0, count);
    this.stack = new Uint32Array(64);
  }

  build(begin, end) {
    const node = this.size++;
    const axis = this.fit(node, begin, end);
    this.nodes[3 * node] = begin;
    this.nodes[3 * node + 1] = end;
    if (end - begin <= LEAF) return;
    const middle = (begin + end) >> 1;
    this.split(begin, end, middle, axis);
    this.build(begin, middle);
    this.nodes[3 * node + 2] = this.size;
    this.build(middle, end);
  }

  /** Fit the node's box around its items; return its longest side. */
  fit(node, begin, end) {
    const { boxes, low, high, items } = this;
    const at = 6 * node;
    let longest = 0;
    for (let axis = 0; axis < 3; axis++) {
      let [least, most] = [Infinity, -Infinity];
      for (let i = begin; i < end; i++) {
        least = Math.min(least, low[3 * items[i] + axis]);
        most = Math.max(most, high[3 * items[i] + axis]);
      }
      boxes[at + axis] = least;
      boxes[at + 3 + axis] = most;
      if (most - least > boxes[at + 3 + longest] - boxes[at + longest]) longest = axis;
    }
    return longest;
  }

  /** Put the items with the smaller middles before `middle` (C. A. R. Hoare, "Find", 1961). */
  split(begin, end, middle, axis) {
    const { items, low, high } = this;
    const key = (i) => low[3 * items[i] + axis] + high[3 * items[i] + axis];
    let [left, right] = [begin, end - 1];
    while (left < right) {
      const pivot = key((left + right) >> 1);
      let [i, j] = [left, right];
      while (i <= j) {
        while (key(i) < pivot) i++;
        while (key(j) > pivot) j--;
        if (i > j) break;
        const item = items[i];
        items[i++] = items[j];
        items[j--] = item;
      }
      if (middle <= j) right = j;
      else if (middle >= i) left = i;
      else return;
    }
  }

  /**
   * Return the item with the least squared distance to a point; `squared` is no less than that to the item's
   * box.
   * @param {number} x
   * @param {number} y
   * @param {number} z
   * @param {(item: number) => number} squared
   */
  nearest(x, y, z, squared) {
    const { nodes, items, stack } = this;
    let [best, found, top] = [Infinity, 0, 1];
    stack[0] = 0;
    while (top) {
      const node = stack[--top];
      if (this.toBox(node, x, y, z) >= best) continue;
      const second = nodes[3 * node + 2];
      if (second) {
        const swap = this.toBox(node + 1, x, y, z) < this.toBox(second, x, y, z);
        stack[top++] = swap ? second : node + 1;
        stack[top++] = swap ? node + 1 : second;
        continue;
      }
      for (let i = nodes[3 * node]; i < nodes[3 * node + 1]; i++) {
        const value = squared(items[i]);
        if (value < best) [best, found] = [value, items[i]];
      }
    }
    return { squared: best, item: found };
  }

  toBox(node, x, y, z) {
    const { boxes } = this;
    const at = 6 * node;
    const dx = Math.max(boxes[at] - x, x - boxes[at + 3], 0);
    const dy = Math.max(boxes[at + 1] - y, y - boxes[at + 4], 0);
    const dz = Math.max(boxes[at + 2] - z, z - boxes[at + 5], 0);
    return dx * dx + dy * dy + dz * dz;
  }
}
