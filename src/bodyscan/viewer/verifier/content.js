/**
 * GLB -> everything that a consent is bound to: triangles, rig, face shapes, colours.
 * Same reading as `bodyscan.gltf.read_content`.
 */
import { AccessorReader, allFinite } from "./accessors.js";
import { CannotJudge, InputError } from "./errors.js";
import { levelOf } from "./image.js";
import { readLooks, readUvs } from "./looks.js";
import { motionProblem } from "./motion.js";
import { RestPose, influences } from "./rest_pose.js";

const MAX_SHAPES = 1024;
const MAX_JOINTS = 65535;

/** @typedef {import("./surface_points.js").BodyContent} BodyContent */

/**
 * Return all surfaces of a file as one body.
 * @param {any} document @param {Uint8Array} binary
 * @param {import("./looks.js").DecodeImage} decodeImage
 * @returns {Promise<BodyContent>}
 */
export async function readContent(document, binary, decodeImage) {
  try {
    const reader = new AccessorReader(document, binary);
    const content = new ContentReader(document, reader).read();
    const looks = await readLooks(document, reader, decodeImage);
    const motion = motionProblem(document, reader);
    if (motion) content.problems.rig = motion;
    if (looks.problem) content.problems.texture = looks.problem;
    if (looks.unread) content.unread.texture = looks.unread;
    return { ...content, albedo: looks.albedo, tint: looks.tint };
  } catch (error) {
    if (error instanceof InputError || error instanceof CannotJudge) throw error;
    throw new InputError(`The file's glTF document is damaged: ${error.message}.`);
  }
}

/** Return the name under which a face shape is known; some tools write its first letter large. */
export function shapeKey(name) {
  const [first = ""] = name;
  return first.toLowerCase() + name.slice(first.length);
}

class ContentReader {
  constructor(document, reader) {
    this.document = document;
    this.reader = reader;
    this.pose = new RestPose(document, reader);
    this.firstJoint = new Map();
    this.jointPlaces = [];
    this.problems = {};
    this.unread = {};
  }

  read() {
    const surfaces = this.pose.surfaces();
    if (!surfaces.length) throw new InputError("The file holds no triangle mesh; a twin has a body.");
    const parts = surfaces.map((surface) => this.part(surface));
    const counts = surfaces.map(({ positions }) => positions.length / 3);
    const begins = counts.map((_, index) => counts.slice(0, index).reduce((sum, count) => sum + count, 0));
    const faces = surfaces.map((surface, index) => surface.faces.map((vertex) => vertex + begins[index]));
    return {
      positions: joined(
        Float32Array,
        surfaces.map(({ positions }) => positions),
      ),
      faces: joined(Uint32Array, faces),
      jointPlaces: Float64Array.from(this.jointPlaces),
      influences: joinedInfluences(parts, counts),
      morphs: joinedMorphs(parts, counts),
      uvs: filled(
        Float32Array,
        parts.map(({ uvs }) => uvs),
        counts,
        2,
        0,
      ),
      colors: filled(
        Uint8Array,
        parts.map(({ colors }) => colors),
        counts,
        3,
        255,
      ),
      problems: this.problems,
      unread: this.unread,
    };
  }

  part(surface) {
    const { primitive, node } = surface;
    let skinned;
    if (node && "skin" in node && "JOINTS_0" in primitive.attributes) {
      const first = this.jointsOf(node.skin);
      skinned = influences(primitive, this.reader, this.pose.skinMatrices(node.skin).length);
      if (skinned.joints.length !== (surface.positions.length / 3) * skinned.width) {
        throw new InputError("The file's joints and weights do not fit its vertices.");
      }
      skinned.joints.forEach((joint, index) => (skinned.joints[index] = joint + first));
    }
    return {
      influences: skinned,
      morphs: this.morphs(surface),
      uvs: readUvs(this.document, primitive, this.reader),
      colors: readColors(primitive, this.reader),
    };
  }

  /** Return the number of a skin's first joint among those of all skins. */
  jointsOf(skinIndex) {
    if (!this.firstJoint.has(skinIndex)) {
      const { joints } = this.document.skins[skinIndex];
      const first = this.jointPlaces.length / 3;
      if (first + joints.length > MAX_JOINTS)
        throw new InputError(`The file has more than ${MAX_JOINTS} joints.`);
      for (const joint of joints) {
        const matrix = this.pose.tree.worldMatrix(joint);
        this.jointPlaces.push(matrix[3], matrix[7], matrix[11]);
      }
      this.firstJoint.set(skinIndex, first);
    }
    return this.firstJoint.get(skinIndex);
  }

  morphs({ mesh, primitive, node, positions, linear }) {
    const targets = primitive.targets ?? [];
    const found = new Map();
    if (!targets.length) return found;
    if (targets.length > MAX_SHAPES)
      throw new InputError(`A mesh of the file has ${targets.length} face shapes.`);
    let names = (mesh.extras?.targetNames ?? []).map(String);
    if (names.length !== targets.length) {
      this.unread.morphs = `the file's ${targets.length} face shapes have ${names.length} names`;
      names = targets.map((_, index) => `shape ${index}`);
    }
    const keys = names.map(shapeKey);
    const twice = keys.filter((key, index) => keys.indexOf(key) !== index).sort()[0];
    if (twice !== undefined) this.problems.morphs = `the file has two face shapes of the name ${twice}`;
    const starts = node?.weights ?? mesh.weights ?? [];
    const on = names.find((_, index) => Number(starts[index] ?? 0) !== 0);
    if (on !== undefined) this.problems.morphs = `the file shows the face shape ${on} from the start`;
    targets.forEach((target, index) => {
      const stored = this.stored(target, keys[index], positions.length);
      if (stored) found.set(keys[index], turned(stored, linear));
    });
    return found;
  }

  /** A shape's displacements as they are stored, undefined where they cannot be read. */
  stored(target, key, length) {
    if (!("POSITION" in target)) return new Float32Array(length);
    let read;
    try {
      read = this.reader.read(target.POSITION);
    } catch (error) {
      // Some tools drop the data of sparse accessors; triangles and rig can be judged without.
      this.unread.morphs = `the face shape ${key} cannot be read: ${error.message}`;
      return undefined;
    }
    const { values, width } = read;
    if (width !== 3 || values.length !== length) {
      throw new InputError(
        `The face shape ${key} has ${values.length / width} vertices; the mesh ${length / 3}.`,
      );
    }
    return values instanceof Float32Array ? values : Float32Array.from(values);
  }
}

/** Return displacements by one matrix or one a vertex; the same bits for the identity. */
function turned(deltas, linear) {
  if (
    linear.length === 1 &&
    [0, 1, 2].every((i) => [0, 1, 2].every((j) => linear[0][4 * i + j] === Number(i === j)))
  ) {
    return deltas;
  }
  const result = new Float32Array(deltas.length);
  for (let at = 0; at < deltas.length; at += 3) {
    const m = linear.length === 1 ? linear[0] : linear[at / 3];
    const [x, y, z] = [deltas[at], deltas[at + 1], deltas[at + 2]];
    result[at] = m[0] * x + m[1] * y + m[2] * z;
    result[at + 1] = m[4] * x + m[5] * y + m[6] * z;
    result[at + 2] = m[8] * x + m[9] * y + m[10] * z;
  }
  if (!allFinite(result)) throw new InputError("A face shape of the file moves a vertex to no finite place.");
  return result;
}

/** Return three sRGB bytes a vertex, undefined where there are no colours or all are white. */
function readColors(primitive, reader) {
  if (!("COLOR_0" in primitive.attributes)) return undefined;
  const { values, width, count } = reader.read(primitive.attributes.COLOR_0);
  if (width < 3) throw new InputError("The file's vertex colours are damaged.");
  const colors = new Uint8Array(3 * count);
  for (let vertex = 0; vertex < count; vertex++) {
    for (let i = 0; i < 3; i++) colors[3 * vertex + i] = levelOf(values[width * vertex + i]);
  }
  return colors.every((level) => level === 255) ? undefined : colors;
}

function joined(Kind, arrays) {
  const result = new Kind(arrays.reduce((sum, array) => sum + array.length, 0));
  let at = 0;
  for (const array of arrays) {
    result.set(array, at);
    at += array.length;
  }
  return result;
}

/** Join arrays; where a part has none, its rows hold `fill`. Undefined where no part has any. */
function filled(Kind, arrays, counts, width, fill) {
  if (arrays.every((array) => array === undefined)) return undefined;
  return joined(
    Kind,
    arrays.map((array, index) => array ?? new Kind(counts[index] * width).fill(fill)),
  );
}

function joinedInfluences(parts, counts) {
  const width = Math.max(...parts.map((part) => part.influences?.width ?? 0));
  if (!width) return undefined;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const result = { width, joints: new Uint32Array(total * width), weights: new Float32Array(total * width) };
  let row = 0;
  parts.forEach(({ influences: own }, index) => {
    for (let vertex = 0; vertex < counts[index]; vertex++, row++) {
      if (!own) continue;
      const from = vertex * own.width;
      result.joints.set(own.joints.subarray(from, from + own.width), row * width);
      result.weights.set(own.weights.subarray(from, from + own.width), row * width);
    }
  });
  return result;
}

function joinedMorphs(parts, counts) {
  const names = new Set(parts.flatMap(({ morphs }) => [...morphs.keys()]));
  return [...names].map((name) => {
    const deltas = parts.map(({ morphs }, index) => morphs.get(name) ?? new Float32Array(3 * counts[index]));
    return { name, deltas: joined(Float32Array, deltas) };
  });
}
