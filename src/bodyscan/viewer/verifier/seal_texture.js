/** How a body's colours match a seal. Same rules as `bodyscan.consent.seal.texture`. */
import { pageData } from "./data.js";
import { RowDigest, floatBits, usedVertices } from "./digests.js";
import { InputError } from "./errors.js";
import { areaMean, chromaAt, linearOf, lookUp, lumaAt, srgbLevel } from "./image.js";
import { checkIndex, unpackRows } from "./surface_points.js";

const HEADER = "bodyscan texture v1\n";
const [LIGHTNESS, COLOR, FINE] = [64, 24, 160];
const [WINDOW, GRID] = [4, 16];

/**
 * @typedef {import("./surface_points.js").BodyContent} BodyContent
 * @param {any} seal the seal's `texture` @param {BodyContent} content
 * @param {() => import("./surface_points.js").SurfacePoints} at
 * @returns {Promise<import("./seal_rig.js").PartReport>}
 */
export async function compareTexture(seal, content, at) {
  const colored = (content.albedo && content.uvs) || content.colors;
  if (seal && content.problems.texture) return { verdict: "altered", reason: content.problems.texture };
  if (content.unread.texture) return { verdict: "unread", reason: content.unread.texture };
  if (!seal) {
    return colored
      ? { verdict: "added", reason: "the file has colours; the bound body has none" }
      : { verdict: "unbound", reason: "neither the file nor the binding has colours" };
  }
  if (!colored && new Set(content.tint.map((level) => Math.round(level * 1000))).size > 1) {
    const reason = "a colour of its own in place of the bound ones: the file has a factor and no image";
    return { verdict: "altered", reason };
  }
  if (!colored) return { verdict: "missing", reason: "the file has neither image nor vertex colours" };
  if (clear(content.tint) && (await textureDigest(content)) === seal.digest) {
    return { verdict: "exact", reason: "every pixel is the one that was bound" };
  }
  if (Boolean(seal.picture) !== Boolean(content.albedo)) {
    const which = seal.picture ? "vertex colours and no image" : "an image";
    return { verdict: "altered", reason: `the file has ${which}; the bound body has not` };
  }
  return judged(changes(seal, content, at()));
}

/** @param {Map<string, number[]>} apart differences, by what is compared */
function judged(apart) {
  const limits = pageData().limits.texture;
  const told = [];
  let [largest, usual] = [0, 0];
  for (const [what, values] of apart) {
    const worst = values.reduce((most, value) => Math.max(most, value), 0);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    [largest, usual] = [Math.max(largest, worst), Math.max(usual, mean)];
    if (worst > limits[what][0] || mean > limits[what][1]) {
      told.push(`the ${what} differs by up to ${worst.toFixed(0)} of 255 (${mean.toFixed(1)} on average)`);
    }
  }
  if (told.length) return { verdict: "altered", reason: told.join("; ") };
  return {
    verdict: "kept",
    reason: `the same within ${largest.toFixed(1)} of 255 (${usual.toFixed(1)} on average)`,
  };
}

/** @param {BodyContent} content */
export async function textureDigest({ albedo, uvs, colors, positions, faces }) {
  const { width = 0, height = 0, rgb = new Uint8Array() } = albedo ?? {};
  const image = new Uint8Array(16 + rgb.length);
  new DataView(image.buffer).setBigUint64(0, BigInt(height), true);
  new DataView(image.buffer).setBigUint64(8, BigInt(width), true);
  image.set(rgb, 16);
  const vertices = positions.length / 3;
  const used = usedVertices(faces, vertices);
  const rows = [];
  for (let vertex = 0; vertex < vertices; vertex++) {
    if (!used[vertex]) continue;
    for (let axis = 0; axis < 3; axis++) rows.push(floatBits(positions[3 * vertex + axis]));
    for (let axis = 0; axis < 2; axis++) rows.push(floatBits(uvs ? uvs[2 * vertex + axis] : 0));
    for (let axis = 0; axis < 3; axis++) rows.push(colors ? colors[3 * vertex + axis] : 255);
  }
  const digest = new RowDigest(HEADER);
  digest.addBytes(image);
  digest.addRows(Uint32Array.from(rows), 8);
  return `texture-sha256-v1:${await digest.hex()}`;
}

/** How far each cell and point is from the sealed one, levels of 255. */
function changes(seal, content, at) {
  const found = new Map();
  const fine = content.albedo && areaMean(content.albedo, FINE);
  if (seal.picture) {
    const cells = cellsOf(seal.picture, content, fine);
    for (const [what, text, own] of cells) {
      const bound = unpackRows(text, ["u1"], `picture (${what})`);
      if (bound.length !== own.length) {
        throw new InputError(
          `The seal's picture (${what}) has ${bound.length} values; ${own.length} are known.`,
        );
      }
      found.set(
        what,
        own.map((level, index) => Math.abs(level - bound[index][0])),
      );
    }
  }
  const rows = unpackRows(seal.colors, ["u2", "u1", "u1", "u1"], "colours");
  const seen = skinAt(content, fine, at);
  const points = rows.map(([point, ...rgb]) => {
    checkIndex(point, at.count, "colours");
    const own = seen(point);
    return Math.max(...rgb.map((level, channel) => Math.abs(own[channel] - level)));
  });
  if (points.length) found.set("colour on the surface", points);
  return found.size ? found : new Map([["colour on the surface", [0]]]);
}

/** What is compared, the sealed text, and the body's own values, 0..255. */
function cellsOf({ lightness, color, window, row, column }, { albedo, tint }, fine) {
  const tinted = (levels) =>
    clear(tint) ? levels : levels.map((level, index) => lit(level, tint[index % 3]));
  const [small, medium, large] = [areaMean(albedo, COLOR), areaMean(albedo, LIGHTNESS), fine].map(tinted);
  const places = (levels) => Array.from({ length: levels.length / 3 }, (_, index) => 3 * index);
  const [step, side] = [FINE / GRID, (WINDOW * FINE) / GRID];
  const inWindow = Array.from({ length: side * side }, (_, index) => {
    const [down, along] = [Math.floor(index / side) + row * step, (index % side) + column * step];
    return 3 * (down * FINE + along);
  });
  return [
    ["lightness", lightness, places(medium).map((at) => lumaAt(medium, at))],
    ["colour", color, places(small).flatMap((at) => chromaAt(small, at))],
    ["lightness of the face", window, inWindow.map((at) => lumaAt(large, at))],
  ];
}

/** A function that gives the sRGB levels of the skin at a point, the way that a renderer looks them up. */
function skinAt({ albedo, uvs, colors, tint }, fine, at) {
  const linear = colors && Float64Array.from(colors, linearOf);
  return (point) => {
    let light = [...tint];
    if (albedo && uvs) {
      const [u, v] = at.values(uvs, 2, point);
      const levels = lookUp(fine, FINE, u, v);
      if (!colors && clear(tint)) return levels;
      light = light.map((value, channel) => value * linearOf(levels[channel]));
    }
    if (linear) {
      const found = at.values(linear, 3, point);
      light = light.map((value, channel) => value * found[channel]);
    }
    return light.map(srgbLevel);
  };
}

function clear(tint) {
  return tint.every((factor) => factor === 1);
}

function lit(level, factor) {
  return srgbLevel(linearOf(level) * factor);
}
