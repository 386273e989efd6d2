/** Digests over sets of rows, so that the order and the copies of vertices make no difference. */
import { concatBytes, hex, sha256, utf8Encode } from "./bytes.js";

/**
 * SHA-256 over a header and sets of rows of 4-byte numbers. Same bytes as `bodyscan.consent.seal.digests`.
 */
export class RowDigest {
  /** @param {string} header @param {number[]} numbers */
  constructor(header, ...numbers) {
    /** @type {Uint8Array[]} */
    this.parts = [utf8Encode(header), ...numbers.map(count)];
  }

  /** Add a text with its length. @param {string} text */
  addText(text) {
    this.addBytes(utf8Encode(text));
  }

  /** Add bytes with their number. @param {Uint8Array} data */
  addBytes(data) {
    this.parts.push(count(data.length), data);
  }

  /**
   * Add the set of rows: sorted by their bits as unsigned integers, first column first; each counts once.
   * @param {Uint32Array} rows @param {number} width numbers a row
   */
  addRows(rows, width) {
    const compare = (a, b) => {
      for (let column = 0; column < width; column++) {
        const step = rows[a * width + column] - rows[b * width + column];
        if (step) return step;
      }
      return 0;
    };
    const order = Uint32Array.from({ length: rows.length / width }, (_, index) => index).sort(compare);
    const kept = order.filter((row, index) => !index || compare(order[index - 1], row) !== 0);
    const data = new DataView(new ArrayBuffer(kept.length * width * 4));
    kept.forEach((row, index) => {
      for (let column = 0; column < width; column++) {
        data.setUint32(4 * (index * width + column), rows[row * width + column], true);
      }
    });
    this.parts.push(count(kept.length), new Uint8Array(data.buffer));
  }

  async hex() {
    return hex(await sha256(concatBytes(this.parts)));
  }
}

function count(number) {
  const data = new DataView(new ArrayBuffer(8));
  data.setBigUint64(0, BigInt(number), true);
  return new Uint8Array(data.buffer);
}

/** Return which vertices a triangle with three different corners uses: 1 or 0 each. */
export function usedVertices(faces, vertices) {
  const used = new Uint8Array(vertices);
  for (let at = 0; at < faces.length; at += 3) {
    const [a, b, c] = [faces[at], faces[at + 1], faces[at + 2]];
    if (a !== b && b !== c && c !== a) used[a] = used[b] = used[c] = 1;
  }
  return used;
}

/** Return the bits of a float32, minus zero as zero. */
const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);
export function floatBits(value) {
  float[0] = value + 0;
  return bits[0];
}

/** Round to the nearest integer, halves to the even one, as numpy's `rint` does. */
export function rint(value) {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
