/**
 * The bytes of a document's buffer views, decompressed where meshopt compression is used. A compressed view
 * may stand beside plain bytes; readers differ in which they show, so both are read and must agree.
 */
import { sameBytes } from "./bytes.js";
import { InputError } from "./errors.js";
import { MAX_DECODED, decodeMeshopt } from "./meshopt.js";

export const DRACO = "KHR_draco_mesh_compression";
const MESHOPT = ["EXT_meshopt_compression", "KHR_meshopt_compression"];
const FILTER_TOLERANCE = 0.02;

/** Return a whole number that a glTF document holds, or throw. @param {any} value @param {string} name */
export function whole(value, name) {
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${name} is ${String(value)}`);
  return value;
}

/** Return `document[kind]` as a list. @param {any} document @param {string} kind @returns {any[]} */
export function listOf(document, kind) {
  const list = document[kind] ?? [];
  if (!Array.isArray(list)) throw new InputError(`The file's glTF document is damaged: ${kind} is no list.`);
  return list;
}

/**
 * Return member `index` of `document[kind]`, or throw.
 * @param {any} document
 * @param {string} kind
 * @param {any} index
 */
export function member(document, kind, index) {
  const item = listOf(document, kind)[whole(index, `an index into ${kind}`)];
  if (item === null || typeof item !== "object") throw new Error(`${kind}[${index}] is not there`);
  return item;
}

/** Reads the buffer views of one document whose only real buffer is the GLB's binary chunk. */
export class ViewReader {
  /** @param {any} document @param {Uint8Array} binary */
  constructor(document, binary) {
    this.document = document;
    this.binary = binary;
    /** @type {Map<number, Uint8Array>} */
    this.cache = new Map();
    this.decodedBytes = 0;
    refuseUnknownCompression(document);
    refuseOtherBuffers(document);
  }

  /**
   * Return the bytes of a view and its stride, undefined where it states none.
   * @param {any} index
   */
  read(index) {
    const view = member(this.document, "bufferViews", index);
    if (!this.cache.has(index)) this.cache.set(index, this.load(view));
    return { data: this.cache.get(index), stride: view.byteStride };
  }

  load(view) {
    const names = MESHOPT.filter((name) => name in (view.extensions ?? {}));
    const plain = (view.buffer ?? 0) === 0;
    if (!names.length) {
      if (!plain) throw new Error("its buffer is not the one in the file");
      return this.slice(view);
    }
    const copies = names.map((name) => this.decompress(view, view.extensions[name]));
    const packed = view.extensions[names[0]];
    if (plain) agree(this.slice(view), copies[0], packed.byteStride, packed.filter ?? "NONE");
    for (const copy of copies.slice(1)) agree(copy, copies[0], packed.byteStride, "NONE");
    return copies[0];
  }

  slice(view) {
    const begin = whole(view.byteOffset ?? 0, "byteOffset");
    const end = begin + whole(view.byteLength, "byteLength");
    if (end > this.binary.length) {
      throw new Error(`bytes ${begin} to ${end} of ${this.binary.length}: the file is cut short`);
    }
    return this.binary.slice(begin, end);
  }

  decompress(view, packed) {
    if ((packed.buffer ?? 0) !== 0) throw new Error("its buffer is not the one in the file");
    const count = whole(packed.count, "count");
    const stride = whole(packed.byteStride, "byteStride");
    if (view.byteLength !== count * stride || (view.byteStride ?? stride) !== stride) {
      throw new InputError(
        `The file's meshopt data is damaged: ${count} elements of ${stride} bytes stand for a view of ` +
          `${view.byteLength} bytes.`,
      );
    }
    this.decodedBytes += count * stride;
    if (this.decodedBytes > MAX_DECODED) {
      throw new InputError(`The file's compressed data would fill more than ${MAX_DECODED >> 20} MiB.`);
    }
    return decodeMeshopt(this.slice(packed), count, stride, String(packed.mode), packed.filter ?? "NONE");
  }
}

function agree(plain, decoded, stride, filter) {
  let same = plain.length === decoded.length;
  if (same && filter === "NONE") {
    same = sameBytes(plain, decoded);
  } else if (same) {
    const { Kind, largest } = filteredKind(stride, filter);
    const [a, b] = [new Kind(plain.buffer), new Kind(decoded.buffer)];
    for (let at = 0; at < a.length && same; at++) {
      const [x, y] = [a[at] / largest, b[at] / largest];
      same = Math.abs(x - y) <= (filter === "EXPONENTIAL" ? 1e-4 + 1e-3 * Math.abs(y) : FILTER_TOLERANCE);
    }
  }
  if (!same) {
    throw new InputError(
      "The file holds a compressed and a plain copy of the same data, and they differ: readers would show " +
        "two different things. Do not use it; ask for it again from its source.",
    );
  }
}

/** The numbers that a filter leaves, and the largest of them. */
function filteredKind(stride, filter) {
  if (filter === "EXPONENTIAL") return { Kind: Float32Array, largest: 1 };
  const signed = filter === "OCTAHEDRAL" || filter === "QUATERNION";
  if (stride === 8)
    return signed ? { Kind: Int16Array, largest: 32767 } : { Kind: Uint16Array, largest: 65535 };
  return signed ? { Kind: Int8Array, largest: 127 } : { Kind: Uint8Array, largest: 255 };
}

function refuseUnknownCompression(document) {
  // A compressed copy may stand beside plain accessors and hold another shape.
  const names = new Set([...listOf(document, "extensionsUsed"), ...listOf(document, "extensionsRequired")]);
  const collect = (item) => Object.keys(item?.extensions ?? {}).forEach((name) => names.add(name));
  listOf(document, "bufferViews").forEach(collect);
  for (const mesh of listOf(document, "meshes")) (mesh?.primitives ?? []).forEach(collect);
  const found = [...names].filter(
    (name) => String(name).toLowerCase().includes("compression") && ![...MESHOPT, DRACO].includes(name),
  );
  if (found.length) {
    throw new InputError(
      `The file is compressed with ${found.sort().join(", ")}; give the uncompressed master file.`,
    );
  }
}

function refuseOtherBuffers(document) {
  const buffers = listOf(document, "buffers");
  const placeholders = listOf(document, "bufferViews").every(
    (view) => (view?.buffer ?? 0) === 0 || MESHOPT.some((name) => name in (view?.extensions ?? {})),
  );
  if (buffers.some((buffer) => "uri" in Object(buffer)) || (buffers.length > 1 && !placeholders)) {
    throw new InputError(
      "The file takes data from outside its own binary chunk; pack it into one GLB first.",
    );
  }
}
