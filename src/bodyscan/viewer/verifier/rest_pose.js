/**
 * The surfaces that a glTF file shows when its joints stand as the file has them: what the consent is bound
 * to. Tools that quantise a skinned mesh put the way back into the inverse bind matrices, so that
 * `world_from_joint * inverse_bind` is applied to the stored positions, blended by the weights. Where these
 * matrices are the identity the stored bits are passed on untouched.
 */
import { allFinite } from "./accessors.js";
import { CannotJudge, InputError } from "./errors.js";
import { NodeTree, fromColumns, identity, multiplied } from "./matrices.js";
import { DRACO, listOf, member, whole } from "./views.js";

const SAME_M = 1e-5;
const INSTANCING = "EXT_mesh_gpu_instancing";

/**
 * One primitive of one mesh as one node shows it, in the rest pose.
 * @typedef {object} Surface
 * @property {any} mesh its JSON
 * @property {any} primitive its JSON
 * @property {any} node JSON of the node that shows it; undefined where none does
 * @property {number | undefined} nodeIndex
 * @property {Float32Array} positions metres, world frame
 * @property {Uint32Array} faces
 * @property {Float64Array[]} linear what displacements are multiplied with: one matrix, or one a vertex
 */

/** Reads the surfaces of one document. */
export class RestPose {
  /** @param {any} document @param {import("./accessors.js").AccessorReader} reader */
  constructor(document, reader) {
    this.document = document;
    this.reader = reader;
    this.tree = new NodeTree(document);
    /** @type {Map<number, Float64Array[]>} */
    this.skins = new Map();
  }

  /**
   * Return every primitive of every mesh, once for each node that shows it; meshes that no node shows stand
   * among them with their stored positions, so that no body can hide.
   * @returns {Surface[]}
   */
  surfaces() {
    const users = new Map();
    this.tree.nodes.forEach((node, index) => {
      if (INSTANCING in (node.extensions ?? {})) {
        throw new InputError(
          `The file shows a mesh many times, each at another size (${INSTANCING}); a twin stands there once.`,
        );
      }
      if ("mesh" in node) users.set(node.mesh, [...(users.get(node.mesh) ?? []), index]);
    });
    return listOf(this.document, "meshes").flatMap((mesh, meshIndex) =>
      mesh.primitives.flatMap((primitive) => {
        const stored = storedPositions(primitive, this.reader);
        const faces = readFaces(primitive, this.reader, stored.length / 3);
        return (users.get(meshIndex) ?? [undefined]).map((nodeIndex) => {
          const node = nodeIndex === undefined ? undefined : this.tree.nodes[nodeIndex];
          return {
            mesh,
            primitive,
            node,
            nodeIndex,
            faces,
            ...this.shown(stored, node, nodeIndex, primitive),
          };
        });
      }),
    );
  }

  shown(stored, node, nodeIndex, primitive) {
    if (!node) return { positions: stored, linear: [identity()] };
    if (!("skin" in node) || !("JOINTS_0" in primitive.attributes))
      return moved(stored, this.tree.worldMatrix(nodeIndex));
    const matrices = this.skinMatrices(node.skin);
    const common = commonMatrix(matrices, extentOf(stored));
    return common
      ? moved(stored, common)
      : blended(stored, matrices, influences(primitive, this.reader, matrices.length));
  }

  /** world_from_mesh by each joint as the joints stand in the file. @param {number} skinIndex */
  skinMatrices(skinIndex) {
    const known = this.skins.get(skinIndex);
    if (known) return known;
    const skin = member(this.document, "skins", skinIndex);
    const joints = skin.joints.map((joint) => whole(joint, "a joint"));
    let inverse = joints.map(() => identity());
    if ("inverseBindMatrices" in skin) {
      const { values, width, count } = this.reader.read(skin.inverseBindMatrices);
      if (width !== 16 || count !== joints.length) {
        throw new InputError(`The skin has ${joints.length} joints and ${count} inverse bind matrices.`);
      }
      inverse = joints.map((_, index) => fromColumns(values.subarray(16 * index, 16 * index + 16)));
    }
    const matrices = joints.map((joint, index) => multiplied(this.tree.worldMatrix(joint), inverse[index]));
    if (!matrices.every((matrix) => matrix.every(Number.isFinite))) {
      throw new InputError("A joint node of the file stands at no finite place.");
    }
    this.skins.set(skinIndex, matrices);
    return matrices;
  }
}

function storedPositions(primitive, reader) {
  if ((primitive.mode ?? 4) !== 4) {
    throw new InputError(
      `A mesh is drawn with mode ${primitive.mode}; a twin holds triangles alone (mode 4), so its geometry ` +
        "cannot be compared with the consent.",
    );
  }
  if (DRACO in (primitive.extensions ?? {})) {
    throw new CannotJudge(
      "The surface is compressed with Draco, which this page cannot read. Check the file with " +
        "'bodyscan consent verify', or ask for the uncompressed master file.",
    );
  }
  const { values, width } = reader.read(primitive.attributes.POSITION);
  if (width !== 3) throw new InputError("The file's positions are damaged: they are no triples.");
  return values instanceof Float32Array ? values : Float32Array.from(values);
}

function readFaces(primitive, reader, count) {
  let flat;
  if ("indices" in primitive) {
    const { values, width, isFloat } = reader.read(primitive.indices);
    if (width !== 1 || isFloat) {
      throw new InputError("The file's triangles are damaged: their indices are no whole numbers.");
    }
    flat = Uint32Array.from(values);
    if (values.some((index) => index < 0 || index >= count)) flat = undefined;
  } else {
    flat = Uint32Array.from({ length: count }, (_, index) => index);
  }
  if (!flat || flat.length % 3)
    throw new InputError(`The file's triangles are damaged for ${count} vertices.`);
  return flat;
}

function extentOf(points) {
  let extent = 1e-9;
  for (const value of points) extent = Math.max(extent, Math.abs(value));
  return extent;
}

/** The one matrix that all joints share within `SAME_M`, or undefined; the identity is exact. */
function commonMatrix(matrices, extent) {
  if (distance(matrices, identity(), extent) <= SAME_M) return identity();
  const mean = new Float64Array(16);
  for (const matrix of matrices) matrix.forEach((value, index) => (mean[index] += value / matrices.length));
  return distance(matrices, mean, extent) <= SAME_M ? mean : undefined;
}

function distance(matrices, one, extent) {
  let largest = 0;
  for (const matrix of matrices) {
    for (let i = 0; i < 3; i++) {
      let sum = 0;
      for (let j = 0; j < 3; j++) sum += Math.abs(matrix[4 * i + j] - one[4 * i + j]) * extent;
      largest = Math.max(largest, sum + Math.abs(matrix[4 * i + 3] - one[4 * i + 3]));
    }
  }
  return largest;
}

function moved(points, matrix) {
  const one = identity();
  if (matrix.every((value, index) => value === one[index])) return { positions: points, linear: [one] };
  const positions = new Float32Array(points.length);
  for (let at = 0; at < points.length; at += 3) addMoved(positions, points, at, matrix, 1);
  return { positions: finite(positions), linear: [matrix] };
}

function addMoved(into, points, at, matrix, weight) {
  const [x, y, z] = [points[at], points[at + 1], points[at + 2]];
  for (let i = 0; i < 3; i++) {
    into[at + i] +=
      weight * (x * matrix[4 * i] + y * matrix[4 * i + 1] + z * matrix[4 * i + 2] + matrix[4 * i + 3]);
  }
}

function finite(points) {
  if (!allFinite(points)) throw new InputError("A mesh of the file stands at no finite place.");
  return points;
}

/** Blend the points by the joints' matrices; `linear` is then one matrix a vertex. */
function blended(points, matrices, { width, joints, weights }) {
  const positions = new Float64Array(points.length);
  const linear = [];
  for (let vertex = 0; vertex < points.length / 3; vertex++) {
    const matrix = new Float64Array(16);
    for (let place = vertex * width; place < (vertex + 1) * width; place++) {
      const joint = matrices[joints[place]];
      for (let i = 0; i < 16; i++) matrix[i] += weights[place] * joint[i];
      addMoved(positions, points, 3 * vertex, joint, weights[place]);
    }
    linear.push(matrix);
  }
  return { positions: finite(Float32Array.from(positions)), linear };
}

/**
 * Return all joints and weights of a primitive's vertices, `width` a vertex.
 * @param {any} primitive @param {import("./accessors.js").AccessorReader} reader @param {number} numJoints
 */
export function influences(primitive, reader, numJoints) {
  const sets = [];
  for (let set = 0; `JOINTS_${set}` in primitive.attributes; set++) {
    const joints = reader.read(primitive.attributes[`JOINTS_${set}`]);
    const weights = reader.read(primitive.attributes[`WEIGHTS_${set}`]);
    if (
      joints.width !== weights.width ||
      joints.count !== weights.count ||
      joints.count !== (sets[0] ?? { joints }).joints.count
    ) {
      throw new InputError("The file's joints and weights do not fit its vertices.");
    }
    sets.push({ joints, weights });
  }
  const width = sets.reduce((sum, { joints }) => sum + joints.width, 0);
  const count = sets[0].joints.count;
  const result = { width, joints: new Uint32Array(width * count), weights: new Float32Array(width * count) };
  let column = 0;
  for (const { joints, weights } of sets) {
    for (let vertex = 0; vertex < count; vertex++) {
      for (let i = 0; i < joints.width; i++) {
        const joint = joints.values[vertex * joints.width + i];
        if (joint >= numJoints)
          throw new InputError(`A vertex names joint ${joint}; the skin has ${numJoints}.`);
        result.joints[vertex * width + column + i] = joint;
        result.weights[vertex * width + column + i] = weights.values[vertex * joints.width + i];
      }
    }
    column += joints.width;
  }
  return result;
}
