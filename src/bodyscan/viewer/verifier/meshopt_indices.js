/**
 * Decodes the triangle and index streams of meshopt compression (Appendix A, modes 1 and 2), after
 * C. Stokes, "Vertex cache optimised index buffer compression" (2014): each triangle is one code byte that
 * names an edge among the last 16 and a vertex among the last 16, with extra bytes where that does not do.
 */
import { damaged } from "./meshopt_error.js";

const CUT = "a triangle stream is cut short";
const NEVER = "a triangle stream names an edge or vertex that was never there";

/** Return the vertex indices of a triangle stream. @param {Uint8Array} data @param {number} count */
export function decodeTriangles(data, count) {
  if (!data.length || data[0] !== 0xe1) throw damaged("a triangle stream does not begin with 0xE1");
  const end = data.length - 16;
  if (count % 3 || end < 1 + count / 3) throw damaged(`${CUT}, or its count is no multiple of 3`);
  return new Triangles(data, count, end).read();
}

class Triangles {
  constructor(data, count, end) {
    this.data = data;
    this.end = end;
    this.at = 1 + count / 3;
    this.out = new Uint32Array(count);
    this.edges = new Array(16).fill(undefined);
    this.recent = new Array(16).fill(undefined);
    this.edgeAt = this.vertexAt = this.following = this.last = 0;
  }

  read() {
    for (let row = 0; row * 3 < this.out.length; row++) {
      const code = this.data[1 + row];
      const corners = code >> 4 < 15 ? this.onEdge(code >> 4, code & 15) : this.free(code & 15);
      if (corners.some((corner) => corner > 0xffffffff))
        throw damaged("a triangle stream counts beyond 32 bits");
      this.out.set(corners, row * 3);
    }
    if (this.at !== this.end) throw damaged(`a triangle stream has ${this.end - this.at} bytes too many`);
    return this.out;
  }

  byte() {
    if (this.at >= this.end) throw damaged(CUT);
    return this.data[this.at++];
  }

  explicit() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      if (shift > 28) throw damaged(CUT);
      const byte = this.byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    const half = Math.floor(value / 2);
    this.last = (this.last + (value % 2 ? -half - 1 : half)) >>> 0;
    return this.last;
  }

  seen(back) {
    const vertex = this.recent[(this.vertexAt - back) & 15];
    if (vertex === undefined) throw damaged(NEVER);
    return vertex;
  }

  remember(vertex) {
    this.recent[this.vertexAt] = vertex;
    this.vertexAt = (this.vertexAt + 1) & 15;
  }

  pushEdge(edge) {
    this.edges[this.edgeAt] = edge;
    this.edgeAt = (this.edgeAt + 1) & 15;
  }

  onEdge(high, low) {
    const edge = this.edges[(this.edgeAt - 1 - high) & 15];
    if (!edge) throw damaged(NEVER);
    const [a, b] = edge;
    let c;
    if (low > 0 && low < 13) {
      c = this.seen(1 + low);
    } else {
      if (low === 0) c = this.following++;
      else if (low === 15) c = this.explicit();
      else c = this.last = (this.last + (low === 14 ? 1 : -1)) >>> 0;
      this.remember(c);
    }
    this.pushEdge([c, b]);
    this.pushEdge([a, c]);
    return [a, b, c];
  }

  free(low) {
    const pair = low < 14 ? this.data[this.end + low] : this.byte();
    const [left, right] = [pair >> 4, pair & 15];
    if (low >= 14 && pair === 0) this.following = 0;
    if (low < 14 && (left === 15 || right === 15)) throw damaged(CUT);
    let a = low === 15 ? undefined : this.following++;
    let b = left === 0 ? this.following++ : left < 15 ? this.seen(left) : undefined;
    let c = right === 0 ? this.following++ : right < 15 ? this.seen(right) : undefined;
    // Explicit indices stand in the order a, b, c.
    a ??= this.explicit();
    b ??= this.explicit();
    c ??= this.explicit();
    this.remember(a);
    if (left === 0 || left === 15) this.remember(b);
    if (right === 0 || right === 15) this.remember(c);
    this.pushEdge([b, a]);
    this.pushEdge([c, b]);
    this.pushEdge([a, c]);
    return [a, b, c];
  }
}

/** Return the values of an index stream. @param {Uint8Array} data @param {number} count */
export function decodeIndices(data, count) {
  if (!data.length || data[0] !== 0xd1) throw damaged("an index stream does not begin with 0xD1");
  const end = data.length - 4;
  const result = new Uint32Array(count);
  const last = [0, 0];
  let at = 1;
  for (let index = 0; index < count; index++) {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      if (at >= end || shift > 28)
        throw damaged("an index stream is cut short or holds a value of more than 32 bits");
      const byte = data[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    value %= 2 ** 32;
    const quarter = Math.floor(value / 4);
    const baseline = value % 2;
    last[baseline] = (last[baseline] + (Math.floor(value / 2) % 2 ? -quarter - 1 : quarter)) >>> 0;
    result[index] = last[baseline];
  }
  if (at !== Math.max(end, 1))
    throw damaged(`an index stream holds more than ${count} values, or a part of one`);
  return result;
}
