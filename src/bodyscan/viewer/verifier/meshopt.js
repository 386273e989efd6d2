/**
 * Decodes attribute streams of EXT_meshopt_compression and KHR_meshopt_compression.
 * Written after the published bitstream (Appendix A of both extensions, Khronos Group), versions 0 and 1,
 * as strict as `bodyscan.gltf.decode_meshopt`.
 */
import { damaged } from "./meshopt_error.js";
import { applyFilter, filterStrides } from "./meshopt_filters.js";
import { decodeIndices, decodeTriangles } from "./meshopt_indices.js";

const GROUP = 16;
export const MAX_DECODED = 1 << 28;
const WIDTHS_V0 = [0, 2, 4, 8];
const WIDTHS_V1 = [
  [0, 1, 2, 4],
  [1, 2, 4, 8],
];

/**
 * Return the elements of a compressed view as bytes.
 * @param {Uint8Array} data @param {number} count @param {number} stride bytes an element
 * @param {string} mode ATTRIBUTES, TRIANGLES or INDICES @param {string} filter
 * @returns {Uint8Array} count * stride bytes
 */
export function decodeMeshopt(data, count, stride, mode, filter) {
  check(count, stride, mode, filter);
  if (mode === "ATTRIBUTES") return applyFilter(decodeAttributes(data, count, stride), stride, filter);
  const indices = mode === "TRIANGLES" ? decodeTriangles(data, count) : decodeIndices(data, count);
  if (stride === 4) return new Uint8Array(indices.buffer);
  if (indices.some((index) => index > 0xffff)) throw damaged("an index is too large for 16 bits");
  return new Uint8Array(Uint16Array.from(indices).buffer);
}

function check(count, stride, mode, filter) {
  if (!["ATTRIBUTES", "TRIANGLES", "INDICES"].includes(mode))
    throw damaged(`the mode '${mode}' is not known`);
  if (!filterStrides(filter)) throw damaged(`the filter '${filter}' is not known`);
  if (mode === "ATTRIBUTES") {
    if (!(stride > 0 && stride <= 256 && stride % 4 === 0)) {
      throw damaged(`the stride ${stride} is not a multiple of 4 up to 256`);
    }
    if (!filterStrides(filter)(stride))
      throw damaged(`the filter ${filter} does not go with the stride ${stride}`);
  } else if (![2, 4].includes(stride) || filter !== "NONE") {
    throw damaged(`${mode} has the stride ${stride} and the filter ${filter}`);
  }
  if (count < 0 || count * stride > MAX_DECODED) throw damaged(`${count} elements are too many`);
}

/** @param {Uint8Array} data @param {number} count @param {number} stride */
export function decodeAttributes(data, count, stride) {
  if (!data.length || (data[0] !== 0xa0 && data[0] !== 0xa1)) {
    throw damaged("an attribute stream does not begin with 0xA0 or 0xA1");
  }
  const version = data[0] & 1;
  const tail = stride + (version ? stride / 4 : 0);
  const end = data.length - Math.max(tail, version ? 24 : 32);
  if (end < 1) throw damaged("an attribute stream is cut short");
  const baseline = data.subarray(data.length - tail, data.length - tail + stride);
  const channels = version ? data.subarray(data.length - tail + stride) : new Uint8Array(stride / 4);
  const deltas = readDeltas(data, end, count, stride, version);
  integrate(deltas, count, stride, baseline, channels);
  return deltas;
}

function readDeltas(data, end, count, stride, version) {
  const deltas = new Uint8Array(count * stride);
  const block = Math.min(Math.floor(8192 / stride) & ~15, 256);
  let at = 1;
  for (let begin = 0; begin < count; begin += block) {
    const size = Math.min(block, count - begin);
    const controls = at;
    at += version ? stride / 4 : 0;
    if (at > end) throw damaged("an attribute stream is cut short");
    for (let byte = 0; byte < stride; byte++) {
      const control = version ? (data[controls + (byte >> 2)] >> (2 * (byte & 3))) & 3 : 4;
      if (control === 2) continue;
      if (control === 3) {
        if (at + size > end) throw damaged("an attribute stream is cut short");
        for (let i = 0; i < size; i++) deltas[(begin + i) * stride + byte] = data[at + i];
        at += size;
        continue;
      }
      at = readGroups(data, at, end, control === 4 ? WIDTHS_V0 : WIDTHS_V1[control], size, (i, value) => {
        deltas[(begin + i) * stride + byte] = value;
      });
    }
  }
  if (at !== end) throw damaged(`an attribute stream has ${end - at} bytes too many`);
  return deltas;
}

/** Read the groups of 16 deltas of one byte of one block; return where they end. */
function readGroups(data, at, end, widths, size, put) {
  const groups = Math.ceil(size / GROUP);
  const heads = at;
  at += Math.ceil(groups / 4);
  if (at > end) throw damaged("an attribute stream is cut short");
  for (let group = 0; group < groups; group++) {
    const width = widths[(data[heads + (group >> 2)] >> (2 * (group & 3))) & 3];
    if (!width) continue;
    const packed = at;
    at += 2 * width;
    const full = (1 << width) - 1;
    for (let i = 0; i < GROUP; i++) {
      const bit = i * width;
      const byte = data[packed + (bit >> 3)];
      // One-bit deltas stand from the least significant bit, the others from the most significant one.
      const shift = width === 1 ? bit & 7 : 8 - width - (bit & 7);
      let value = (byte >> shift) & full;
      if (width < 8 && value === full) value = data[at++];
      if (group * GROUP + i < size) put(group * GROUP + i, value);
    }
    if (at > end) throw damaged("an attribute stream is cut short");
  }
  return at;
}

/** Sum the deltas up from the baseline, in place, four bytes (a channel) at a time. */
function integrate(deltas, count, stride, baseline, channels) {
  const view = new DataView(deltas.buffer);
  const start = new DataView(baseline.buffer, baseline.byteOffset, stride);
  for (let index = 0; index < channels.length; index++) {
    const [mode, turn] = [channels[index] & 15, channels[index] >> 4];
    if (mode > 2 || (mode < 2 && turn)) throw damaged(`the channel mode ${channels[index]} is not known`);
    const width = [1, 2, 4][mode];
    for (let at = 4 * index; at < 4 * index + 4; at += width)
      sumUp(view, start, at, count, stride, width, turn);
  }
}

function sumUp(view, start, at, count, stride, width, turn) {
  if (width === 4) {
    let value = start.getUint32(at, true);
    for (let place = at; place < count * stride; place += stride) {
      const code = view.getUint32(place, true);
      value ^= turn ? (code >>> turn) | (code << (32 - turn)) : code;
      view.setUint32(place, value >>> 0, true);
    }
    return;
  }
  const [get, set] = width === 1 ? ["getUint8", "setUint8"] : ["getUint16", "setUint16"];
  let value = start[get](at, true);
  for (let place = at; place < count * stride; place += stride) {
    const code = view[get](place, true);
    value = (value + ((code >> 1) ^ -(code & 1))) & (width === 1 ? 0xff : 0xffff);
    view[set](place, value, true);
  }
}
