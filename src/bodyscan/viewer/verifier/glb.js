/**
 * The GLB container: one JSON chunk and one binary chunk (glTF 2.0 specification, chapter 4), read
 * strictly.
 */
import { InputError } from "./errors.js";
import { isObject, parseGltfJson } from "./json_text.js";

const JSON_CHUNK = 0x4e4f534a;
const BINARY_CHUNK = 0x004e4942;

/** True where the bytes begin as a GLB file does. @param {Uint8Array} data */
export function isGlb(data) {
  return data.length >= 4 && data[0] === 0x67 && data[1] === 0x6c && data[2] === 0x54 && data[3] === 0x46;
}

/**
 * Return the glTF document and the binary chunk.
 * @param {Uint8Array} data
 * @returns {{document: any, binary: Uint8Array}}
 */
export function unpackGlb(data) {
  if (!isGlb(data)) throw new InputError("This is no GLB file: it does not begin with 'glTF'.");
  if (data.length < 20)
    throw new InputError(`The file is cut short: ${data.length} bytes, less than a GLB header.`);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const version = view.getUint32(4, true);
  const length = view.getUint32(8, true);
  if (version !== 2) throw new InputError(`The file is GLB version ${version}; version 2 can be read.`);
  if (length > data.length) {
    throw new InputError(
      `The file is cut short: it has ${data.length} of the ${length} bytes that its header names.`,
    );
  }
  const chunks = [];
  for (let at = 12; at + 8 <= length;) {
    const size = view.getUint32(at, true);
    if (at + 8 + size > length) {
      throw new InputError(`The file is damaged: chunk ${chunks.length} is longer than the file.`);
    }
    chunks.push({ kind: view.getUint32(at + 4, true), data: data.subarray(at + 8, at + 8 + size) });
    at += 8 + size;
  }
  if (!chunks.length || chunks[0].kind !== JSON_CHUNK) {
    throw new InputError("The file is damaged: its first chunk is not JSON.");
  }
  const binary = chunks[1]?.kind === BINARY_CHUNK ? chunks[1].data : new Uint8Array();
  return { document: parseDocument(chunks[0].data), binary };
}

function parseDocument(data) {
  let document;
  try {
    document = parseGltfJson(data);
  } catch (error) {
    throw new InputError(`The file is damaged or ambiguous: its JSON cannot be read (${error.message}).`);
  }
  if (!isObject(document) || !isObject(document.asset)) {
    throw new InputError("This is no glTF file: its JSON has no 'asset'.");
  }
  return document;
}
