/** Decodes glTF accessors to typed arrays: strided, normalised, sparse and compressed ones. */
import { CannotJudge, InputError } from "./errors.js";
import { ViewReader, member, whole } from "./views.js";

const COMPONENTS = {
  5120: { Kind: Int8Array, get: "getInt8", size: 1, largest: 127 },
  5121: { Kind: Uint8Array, get: "getUint8", size: 1, largest: 255 },
  5122: { Kind: Int16Array, get: "getInt16", size: 2, largest: 32767 },
  5123: { Kind: Uint16Array, get: "getUint16", size: 2, largest: 65535 },
  5125: { Kind: Uint32Array, get: "getUint32", size: 4, largest: 4294967295 },
  5126: { Kind: Float32Array, get: "getFloat32", size: 4, largest: 1 },
};
export const WIDTHS = { SCALAR: 1, VEC2: 2, VEC3: 3, VEC4: 4, MAT4: 16 };
export const FLOAT = 5126;
const MAX_COUNT = 10_000_000;

/**
 * @typedef {{values: any, width: number, count: number, isFloat: boolean}} Decoded values is a typed array
 */

/** Reads the accessors of one document whose only buffer is the GLB's binary chunk. */
export class AccessorReader {
  /** @param {any} document @param {Uint8Array} binary */
  constructor(document, binary) {
    this.document = document;
    this.views = new ViewReader(document, binary);
  }

  /**
   * Return an accessor in its stored type, normalised integers as float32.
   * @param {any} index @param {boolean} [stored] leave normalised integers as they stand
   * @returns {Decoded}
   */
  read(index, stored = false) {
    try {
      const accessor = member(this.document, "accessors", index);
      const dense = this.dense(accessor);
      return stored ? dense : finish(dense, accessor);
    } catch (error) {
      if (error instanceof InputError || error instanceof CannotJudge) throw error;
      throw new InputError(`Accessor ${String(index)} of the file is damaged: ${error.message}.`);
    }
  }

  dense(accessor) {
    const component = COMPONENTS[accessor.componentType];
    const width = WIDTHS[accessor.type];
    if (!component || !width) throw new Error(`it is ${accessor.type} of ${accessor.componentType}`);
    const count = whole(accessor.count, "count");
    if (count > MAX_COUNT) throw new Error(`count ${count}`);
    const values =
      "bufferView" in accessor
        ? this.rows(accessor.bufferView, accessor.byteOffset ?? 0, count, width, component)
        : new component.Kind(count * width);
    if ("sparse" in accessor) this.applySparse(values, count, width, accessor.sparse, component);
    return { values, width, count, isFloat: component.Kind === Float32Array, largest: component.largest };
  }

  applySparse(values, total, width, sparse, component) {
    const count = whole(sparse.count, "sparse count");
    const kind = COMPONENTS[sparse.indices.componentType];
    if (!kind) throw new Error("its sparse indices have no type");
    const rows = this.rows(sparse.indices.bufferView, sparse.indices.byteOffset ?? 0, count, 1, kind);
    const changed = this.rows(
      sparse.values.bufferView,
      sparse.values.byteOffset ?? 0,
      count,
      width,
      component,
    );
    for (let at = 0; at < count; at++) {
      if (rows[at] >= total || (at && rows[at] <= rows[at - 1])) {
        throw new Error(`its sparse indices must ascend and stay below ${total}`);
      }
      values.set(changed.subarray(at * width, at * width + width), rows[at] * width);
    }
  }

  rows(viewIndex, offset, count, width, component) {
    const { data, stride: stated } = this.views.read(viewIndex);
    const row = width * component.size;
    const stride = stated === undefined ? row : whole(stated, "byteStride");
    whole(offset, "byteOffset");
    if (stride < row || (count && offset + (count - 1) * stride + row > data.length)) {
      throw new Error("it reaches outside its buffer view");
    }
    const values = new component.Kind(count * width);
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    for (let at = 0, i = 0; i < count; i++) {
      for (let place = offset + i * stride, c = 0; c < width; c++, place += component.size) {
        values[at++] = view[component.get](place, true);
      }
    }
    return values;
  }
}

function finish(dense, accessor) {
  let { values, isFloat } = dense;
  if (accessor.normalized && !isFloat) {
    const floats = new Float32Array(values.length);
    for (let at = 0; at < floats.length; at++) floats[at] = Math.max(values[at] / dense.largest, -1);
    [values, isFloat] = [floats, true];
  }
  if (isFloat && !allFinite(values)) throw new Error("it holds NaN or infinity");
  return { ...dense, values, isFloat };
}

/**
 * True where no value is NaN or infinite.
 * @param {Float32Array | Float64Array} values
 */
export function allFinite(values) {
  for (let at = 0; at < values.length; at++) if (!Number.isFinite(values[at])) return false;
  return true;
}
