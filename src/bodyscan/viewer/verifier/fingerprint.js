/**
 * How far a surface lies from the one that a binding was made of: a coarse check for copies whose vertices a
 * packer moved. Same questions and limits as `bodyscan.consent.fingerprint`.
 */
import { base64Decode } from "./bytes.js";
import { pageData } from "./data.js";
import { InputError } from "./errors.js";
import { distanceToPoints, nearestOnSurface } from "./nearest.js";
import { seededRandom } from "./random.js";

const STEP_M = 1e-4;
const DENSE = 20_000;

/**
 * @typedef {{points: string, area_mm2: number, reach_mm: number}} Fingerprint
 * @typedef {{maxMm: number, meanMm: number, beyondMm: number, areaChange: number, problems: string[]}}
 *   Deviation
 */

/**
 * Compare a surface with a fingerprint.
 * @param {Fingerprint} known @param {Float32Array} positions metres, rest pose @param {Uint32Array} faces
 * @returns {Deviation} `problems` is empty for the same surface
 */
export function compareSurface(known, positions, faces) {
  const wanted = fingerprintPoints(known);
  const areas = areasOf(positions, faces);
  const area = areas.reduce((sum, value) => sum + value, 0);
  if (!(area > 0))
    throw new InputError("The mesh has no triangle with an area; there is nothing to compare.");
  const toSurface = nearestOnSurface(positions, faces);
  let [largest, sum] = [0, 0];
  for (let at = 0; at < wanted.length; at += 3) {
    const { distance } = toSurface(wanted[at], wanted[at + 1], wanted[at + 2]);
    largest = Math.max(largest, distance);
    sum += distance;
  }
  const deviation = {
    maxMm: largest * 1000,
    meanMm: (sum / (wanted.length / 3)) * 1000,
    beyondMm: Math.max(0, reach(wanted, positions, faces, areas) * 1000 - known.reach_mm),
    areaChange: (area * 1e6) / known.area_mm2 - 1,
  };
  return { ...deviation, problems: problemsOf(deviation) };
}

/** Return the fingerprint's points in metres, three numbers a point. @param {Fingerprint} known */
export function fingerprintPoints(known) {
  let data;
  try {
    data = base64Decode(known.points);
  } catch {
    data = new Uint8Array(1);
  }
  if (data.length % 6) throw new InputError("The fingerprint's points cannot be read: they are no triples.");
  if (!data.length) throw new InputError("The fingerprint holds no points.");
  const view = new DataView(data.buffer);
  return Float64Array.from(
    { length: data.length / 2 },
    (_, index) => view.getInt16(2 * index, true) * STEP_M,
  );
}

function problemsOf({ maxMm, meanMm, beyondMm, areaChange }) {
  const limits = pageData().limits.surface;
  const found = [];
  if (maxMm > limits.maxMm || meanMm > limits.meanMm) {
    found.push(`it lies up to ${maxMm.toFixed(1)} mm (${meanMm.toFixed(2)} mm on average) away`);
  }
  if (beyondMm > limits.maxMm) found.push(`it has parts ${beyondMm.toFixed(0)} mm beyond the bound body`);
  if (Math.abs(areaChange) > limits.areaChange) {
    found.push(`its area differs by ${areaChange > 0 ? "+" : ""}${(100 * areaChange).toFixed(1)} %`);
  }
  return found;
}

function areasOf(positions, faces) {
  const areas = new Float64Array(faces.length / 3);
  for (let row = 0; row < areas.length; row++) {
    const [a, b, c] = [3 * faces[3 * row], 3 * faces[3 * row + 1], 3 * faces[3 * row + 2]];
    const [x, y, z] = [positions[a], positions[a + 1], positions[a + 2]];
    const [ux, uy, uz] = [positions[b] - x, positions[b + 1] - y, positions[b + 2] - z];
    const [vx, vy, vz] = [positions[c] - x, positions[c + 1] - y, positions[c + 2] - z];
    areas[row] = Math.hypot(uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx) / 2;
  }
  return areas;
}

/** Largest distance of any place of the surface to the nearest of the known points, metres. */
function reach(known, positions, faces, areas) {
  const toPoints = distanceToPoints(known);
  let largest = 0;
  samples(positions, faces, areas, (x, y, z) => {
    largest = Math.max(largest, toPoints(x, y, z));
  });
  for (const vertex of new Set(faces)) {
    const at = 3 * vertex;
    largest = Math.max(largest, toPoints(positions[at], positions[at + 1], positions[at + 2]));
  }
  return largest;
}

/**
 * Give `DENSE` points spread over the surface, those of `bodyscan.geometry.sampling.sample_surface`, seed
 * 0.
 */
function samples(positions, faces, areas, give) {
  const sums = Float64Array.from(areas);
  for (let row = 1; row < sums.length; row++) sums[row] += sums[row - 1];
  const total = sums[sums.length - 1];
  const last = areas.findLastIndex((area) => area > 0);
  const random = seededRandom();
  const draws = Array.from({ length: 3 }, () => Float64Array.from({ length: DENSE }, random));
  let row = 0;
  for (let index = 0; index < DENSE; index++) {
    const at = ((index + draws[0][index]) / DENSE) * total;
    while (row < sums.length - 1 && sums[row] <= at) row++;
    const face = areas[row] > 0 ? row : last;
    const [root, along] = [Math.sqrt(draws[1][index]), draws[2][index]];
    const weights = [1 - root, root * (1 - along), root * along];
    const point = [0, 0, 0];
    for (let corner = 0; corner < 3; corner++) {
      for (let axis = 0; axis < 3; axis++) {
        point[axis] += weights[corner] * positions[3 * faces[3 * face + corner] + axis];
      }
    }
    give(point[0], point[1], point[2]);
  }
}
