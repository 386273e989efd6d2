/** 4 by 4 matrices as Float64Array, row by row, and the places of a document's nodes. */
import { InputError } from "./errors.js";
import { listOf, member, whole } from "./views.js";

/** @returns {Float64Array} */
export function identity() {
  return Float64Array.of(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1);
}

/** @param {Float64Array} a @param {Float64Array} b */
export function multiplied(a, b) {
  const result = new Float64Array(16);
  for (let i = 0; i < 4; i++) {
    for (let j = 0; j < 4; j++) {
      let sum = 0;
      for (let k = 0; k < 4; k++) sum += a[4 * i + k] * b[4 * k + j];
      result[4 * i + j] = sum;
    }
  }
  return result;
}

/** Return the matrix of glTF's column order. @param {ArrayLike<number>} stored */
export function fromColumns(stored) {
  const result = new Float64Array(16);
  for (let i = 0; i < 16; i++) result[4 * (i % 4) + (i >> 2)] = stored[i];
  return result;
}

/** parent_from_node of a node's matrix, or of its translation, rotation and scale. @param {any} node */
export function localMatrix(node) {
  if ("matrix" in node) return fromColumns(numbers(node.matrix, 16, "matrix"));
  const [x, y, z, w] = numbers(node.rotation ?? [0, 0, 0, 1], 4, "rotation");
  const scale = numbers(node.scale ?? [1, 1, 1], 3, "scale");
  const move = numbers(node.translation ?? [0, 0, 0], 3, "translation");
  const turn = [
    [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
    [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
    [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
  ];
  const result = identity();
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) result[4 * i + j] = turn[i][j] * scale[j];
    result[4 * i + 3] = move[i];
  }
  return result;
}

function numbers(value, count, name) {
  if (!Array.isArray(value) || value.length !== count || !value.every((item) => typeof item === "number")) {
    throw new InputError(`The file's glTF document is damaged: a node's ${name} is not ${count} numbers.`);
  }
  return value;
}

/** World matrices of the nodes of one document. */
export class NodeTree {
  /** @param {any} document */
  constructor(document) {
    this.document = document;
    this.nodes = listOf(document, "nodes");
    /** @type {Map<number, number>} */
    this.parents = new Map();
    this.nodes.forEach((node, index) => {
      for (const child of node.children ?? []) this.parents.set(whole(child, "a child"), index);
    });
  }

  /** Return world_from_node. @param {number} index */
  worldMatrix(index) {
    let matrix = localMatrix(member(this.document, "nodes", index));
    for (let steps = 0; steps < this.nodes.length; steps++) {
      const parent = this.parents.get(index);
      if (parent === undefined) return matrix;
      matrix = multiplied(localMatrix(this.nodes[parent]), matrix);
      index = parent;
    }
    throw new InputError("The file's node tree has a cycle.");
  }
}
