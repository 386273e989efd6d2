/**
 * What the Python package knows and this page needs: schemas, country codes, classes of characters. It is
 * written into the page when the page is made, so that the two cannot differ.
 */

/**
 * @typedef {object} Limits
 * @property {{maxMm: number, meanMm: number, areaChange: number, otherBodyMm: number}} surface
 * @property {{jointMm: number, maxMm: number, meanMm: number, carries: number, nearM: number}} rig
 * @property {{scaleShare: number, movedM: number}} motion
 * @property {{leastM: number, maxMm: number, maxShare: number, meanMm: number, meanShare: number}} shapes
 * @property {Record<string, [number, number]>} texture what is compared -> largest and mean change, levels
 *   of 255
 * @property {{maxMm: number, meanMm: number}} attestation
 * @property {{attestations: number, stamps: number}} bundle
 * @property {{plainTextures: string[], otherMaterials: string[], plainMaterials: string[],
 *   sameLevels: number}} looks
 *
 * @typedef {object} PageData
 * @property {Record<string, any>} schemas name -> JSON Schema of a payload as it is signed
 * @property {Limits} limits up to where two things count as the same
 * @property {string[]} countries ISO 3166-1 alpha-2 codes
 * @property {number[]} refusedCharacters first, last, first, last ...: code points that no text may hold
 * @property {Record<string, number[]>} scripts script -> the same, letters that are taken for other scripts'
 */

/** @type {PageData | undefined} */
let current;

/** Set the data; done once, before anything is read. @param {PageData} data */
export function setData(data) {
  current = data;
}

/** @returns {PageData} */
export function pageData() {
  if (!current) throw new Error("the page's data are not set");
  return current;
}

/** True where a code point lies in a list of ranges. @param {number[]} ranges @param {number} code */
export function inRanges(ranges, code) {
  let [low, high] = [0, ranges.length / 2 - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (code < ranges[2 * middle]) high = middle - 1;
    else if (code > ranges[2 * middle + 1]) low = middle + 1;
    else return true;
  }
  return false;
}
