/**
 * JSON read strictly, so that two readers can never see two documents in one text, and written in its
 * canonical form. The built-in parser keeps the last of two equal keys and rounds large integers.
 * Subset: I-JSON (RFC 7493); canonical form: RFC 8785. Same rules as `bodyscan.consent.strict_json`.
 */
import { InputError } from "./errors.js";
import { utf8Decode, utf8Encode } from "./bytes.js";

export const MAX_BYTES = 256 * 1024;
export const MAX_DEPTH = 16;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
/** @type {[string, boolean | null][]} */
const WORDS = [
  ["true", true],
  ["false", false],
  ["null", null],
];
const ESCAPES = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

/** A number written with a point or an exponent: never equal to an integer, as in the Python package. */
export class JsonFloat {
  /** @param {number} value */
  constructor(value) {
    this.value = value;
  }
}

/**
 * Return the value of a strict JSON text; objects have no prototype. Numbers with a point or an exponent
 * become `JsonFloat`.
 * @param {string | Uint8Array} text
 * @param {string} [what] begins the message of an error
 */
export function parseStrict(text, what = "the JSON text") {
  try {
    if (typeof text === "string" && !text.isWellFormed())
      throw new Error("it holds half of a surrogate pair");
    const data = typeof text === "string" ? utf8Encode(text) : text;
    if (data.length > MAX_BYTES) {
      throw new Error(`it has ${data.length} bytes, more than the ${MAX_BYTES} that are allowed`);
    }
    return new Parser(utf8Decode(data), MAX_DEPTH, true).document();
  } catch (error) {
    throw new InputError(`${what} cannot be read: ${error.message}.`);
  }
}

/**
 * Return the value of a glTF document's JSON: no key twice, no NaN, but any size and plain numbers.
 * @param {Uint8Array} data
 */
export function parseGltfJson(data) {
  return new Parser(utf8Decode(data), 400, false).document();
}

class Parser {
  /** @param {string} text @param {number} maxDepth @param {boolean} strict */
  constructor(text, maxDepth, strict) {
    this.text = text;
    this.at = 0;
    this.depth = 0;
    this.maxDepth = maxDepth;
    this.strict = strict;
  }

  document() {
    const value = this.value();
    this.space();
    if (this.at !== this.text.length) throw this.wrong();
    return value;
  }

  wrong() {
    return new Error(`it is not JSON (character ${this.at + 1})`);
  }

  space() {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 32 && code !== 9 && code !== 10 && code !== 13) return;
      this.at++;
    }
  }

  value() {
    this.space();
    const char = this.text[this.at];
    if (char === "{") return this.nested(() => this.object());
    if (char === "[") return this.nested(() => this.array());
    if (char === '"') return this.string();
    for (const [word, value] of WORDS) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    for (const word of ["NaN", "Infinity", "-Infinity"]) {
      if (this.text.startsWith(word, this.at)) throw new Error(`${word} is not a JSON number`);
    }
    return this.number();
  }

  nested(read) {
    if (++this.depth > this.maxDepth) throw new Error(`it is nested deeper than ${this.maxDepth} levels`);
    this.at++;
    const value = read();
    this.depth--;
    return value;
  }

  object() {
    const result = Object.create(null);
    this.space();
    if (this.take("}")) return result;
    do {
      this.space();
      if (this.text[this.at] !== '"') throw this.wrong();
      const key = this.string();
      if (key in result) throw new Error(`the key '${key.slice(0, 80)}' stands twice in one object`);
      this.space();
      if (!this.take(":")) throw this.wrong();
      result[key] = this.value();
      this.space();
    } while (this.take(","));
    if (!this.take("}")) throw this.wrong();
    return result;
  }

  array() {
    const result = [];
    this.space();
    if (this.take("]")) return result;
    do {
      result.push(this.value());
      this.space();
    } while (this.take(","));
    if (!this.take("]")) throw this.wrong();
    return result;
  }

  take(char) {
    if (this.text[this.at] !== char) return false;
    this.at++;
    return true;
  }

  string() {
    let result = "";
    this.at++;
    for (;;) {
      PLAIN.lastIndex = this.at;
      const [plain] = PLAIN.exec(this.text);
      result += plain;
      this.at += plain.length;
      const char = this.text[this.at++];
      if (char === '"') break;
      if (char !== "\\") throw this.wrong();
      result += this.escape();
    }
    if (this.strict && !result.isWellFormed()) throw new Error("a string holds half of a surrogate pair");
    return result;
  }

  escape() {
    const char = this.text[this.at++];
    if (char === "u") {
      const digits = this.text.slice(this.at, this.at + 4);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.wrong();
      this.at += 4;
      return String.fromCharCode(parseInt(digits, 16));
    }
    if (char === undefined || !(char in ESCAPES)) throw this.wrong();
    return ESCAPES[char];
  }

  number() {
    NUMBER.lastIndex = this.at;
    const match = NUMBER.exec(this.text);
    if (!match) throw this.wrong();
    this.at += match[0].length;
    const value = Number(match[0]);
    if (!this.strict) {
      // As Python does: no number of a glTF has thousands of digits.
      if (match[0].length > 4300) throw new Error(`the number ${match[0].slice(0, 24)} ... is too long`);
      return value;
    }
    if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) {
      throw new Error(`the number ${match[0].slice(0, 24)} lies beyond 2^53 - 1 and is not exact`);
    }
    if (match[1] !== undefined || match[2] !== undefined) return new JsonFloat(value);
    return value + 0; // minus zero is the integer zero
  }
}

/**
 * Return the canonical JSON text (RFC 8785) of a value.
 * @param {any} value
 * @returns {string}
 */
export function canonicalText(value) {
  if (value instanceof JsonFloat) return JSON.stringify(value.value);
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const members = Object.keys(value).sort(); // by UTF-16 code units, as the RFC says
    return `{${members.map((key) => `${JSON.stringify(key)}:${canonicalText(value[key])}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

/**
 * Return the canonical JSON (RFC 8785) of a value as UTF-8.
 * @param {any} value
 */
export function canonicalBytes(value) {
  return utf8Encode(canonicalText(value));
}

/**
 * True for a JSON object.
 * @param {any} value
 */
export function isObject(value) {
  return (
    value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof JsonFloat)
  );
}
