/** How a body matches the seal in a binding. Same rules as `bodyscan.consent.seal`. */
import { geometryDigest } from "./digest.js";
import { compareSurface, fingerprintPoints } from "./fingerprint.js";
import { guessPlace, isInsideOut } from "./place.js";
import { compareMorphs } from "./seal_morphs.js";
import { compareRig } from "./seal_rig.js";
import { compareTexture } from "./seal_texture.js";
import { SurfacePoints } from "./surface_points.js";

/**
 * @typedef {import("./surface_points.js").BodyContent} BodyContent
 * @typedef {import("./seal_rig.js").PartReport} PartReport
 * @typedef {object} SealReport
 * @property {"exact" | "repacked" | "altered"} geometry
 * @property {number} movedMm largest distance of a sealed point to the surface
 * @property {number} meanMm
 * @property {string[]} problems what is different about the triangles
 * @property {Record<string, PartReport>} parts rig, morphs, texture
 * @property {string[]} alterations what was altered, in clauses; empty where nothing shows another body
 */

/** @param {any} seal @param {BodyContent} content @returns {Promise<SealReport>} */
export async function compareSeal(seal, content) {
  /** @type {SurfacePoints | undefined} */
  let points;
  const at = () => (points ??= new SurfacePoints(content, fingerprintPoints(seal.fingerprint)));
  const geometry = await compareGeometry(seal, content, at);
  const parts = {
    rig: await compareRig(seal.rig, content, at),
    morphs: await compareMorphs(seal.morphs, content, at),
    texture: await compareTexture(seal.texture, content, at),
  };
  const changed = Object.entries(parts).filter(([, part]) => ["altered", "added"].includes(part.verdict));
  const alterations = [...geometry.problems, ...changed.map(([name, part]) => `${name}: ${part.reason}`)];
  return { ...geometry, parts, alterations };
}

async function compareGeometry(seal, content, at) {
  const { positions, faces } = content;
  if ((await geometryDigest(positions, faces)) === seal.geometry) {
    return { geometry: /** @type {const} */ ("exact"), movedMm: 0, meanMm: 0, problems: [] };
  }
  const deviation = compareSurface(seal.fingerprint, positions, faces);
  const problems = [...deviation.problems];
  const words = problems.length ? guessPlace(deviation.areaChange + 1, content, at()) : "";
  if (words) problems.unshift(words);
  if (isInsideOut(content)) problems.push("its triangles are turned inside out");
  const geometry = /** @type {"altered" | "repacked"} */ (problems.length ? "altered" : "repacked");
  return { geometry, movedMm: deviation.maxMm, meanMm: deviation.meanMm, problems };
}
