/**
 * Pictures: the sRGB curve (IEC 61966-2-1), means over equal areas, lightness and colour, and looking up a
 * place. Same rules as `bodyscan.consent.seal.image`: a cell is the mean of sRGB values, not of light.
 */

/** @typedef {{width: number, height: number, rgb: Uint8Array}} Picture sRGB, row 0 at the top */

/** Linear light 0..1 of an sRGB level 0..255. @param {number} level */
export function linearOf(level) {
  const encoded = level / 255;
  return Math.fround(encoded <= 0.04045 ? encoded / 12.92 : ((encoded + 0.055) / 1.055) ** 2.4);
}

/** sRGB level 0..255, not rounded, of linear light. @param {number} light */
export function srgbLevel(light) {
  const cut = Math.min(Math.max(light, 0), 1);
  return 255 * (cut <= 0.0031308 ? cut * 12.92 : 1.055 * cut ** (1 / 2.4) - 0.055);
}

/** sRGB byte of linear light. @param {number} light */
export function levelOf(light) {
  return Math.round(srgbLevel(light));
}

/**
 * Return size * size means of sRGB levels over equal areas, which may cut pixels; three channels, row by row.
 * @param {Picture} picture
 * @param {number} size
 */
export function areaMean({ width, height, rgb }, size) {
  const [across, down] = [stretches(width, size), stretches(height, size)];
  const rows = new Float64Array(width * 3);
  const result = new Float64Array(size * size * 3);
  down.forEach(({ first, shares }, row) => {
    rows.fill(0);
    shares.forEach((share, index) => {
      const begin = (first + index) * width * 3;
      for (let i = 0; i < rows.length; i++) rows[i] += share * rgb[begin + i];
    });
    across.forEach((stretch, column) => {
      const at = 3 * (row * size + column);
      stretch.shares.forEach((share, index) => {
        const from = 3 * (stretch.first + index);
        for (let channel = 0; channel < 3; channel++) result[at + channel] += share * rows[from + channel];
      });
    });
  });
  return result;
}

/**
 * For each of `cells` equal stretches of a line of pixels: its first pixel, and the share of each that it
 * has.
 */
function stretches(pixels, cells) {
  const edge = pixels / cells;
  return Array.from({ length: cells }, (_, cell) => {
    const [begin, end] = [cell * edge, (cell + 1) * edge];
    const first = Math.floor(begin);
    const shares = [];
    for (let pixel = first; pixel < Math.min(Math.ceil(end), pixels); pixel++) {
      shares.push(Math.max(Math.min(end, pixel + 1) - Math.max(begin, pixel), 0) / edge);
    }
    return { first, shares };
  });
}

/**
 * Lightness 0..255 of sRGB levels (ITU-R BT.601, as JFIF uses it).
 * @param {ArrayLike<number>} rgb
 * @param {number} at
 */
export function lumaAt(rgb, at) {
  return 0.299 * rgb[at] + 0.587 * rgb[at + 1] + 0.114 * rgb[at + 2];
}

/**
 * Cb and Cr, 0..255 around 128, of sRGB levels (JFIF 1.02).
 * @param {ArrayLike<number>} rgb
 * @param {number} at
 */
export function chromaAt(rgb, at) {
  const luma = lumaAt(rgb, at);
  return [(rgb[at + 2] - luma) / 1.772 + 128, (rgb[at] - luma) / 1.402 + 128];
}

/**
 * Return the levels of a square picture at a place, bilinear; beyond 0..1 it repeats, at its edge it is held.
 * @param {Float64Array} levels three channels
 * @param {number} size pixels a side
 * @param {number} u
 * @param {number} v
 */
export function lookUp(levels, size, u, v) {
  const place = (value) => {
    const inside = value >= 0 && value <= 1 ? value : value - Math.floor(value);
    return Math.min(Math.max(inside * size - 0.5, 0), size - 1);
  };
  const [x, y] = [place(u), place(v)];
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [right, bottom] = [Math.min(left + 1, size - 1), Math.min(top + 1, size - 1)];
  const pixel = (row, column, channel) => levels[3 * (row * size + column) + channel];
  return [0, 1, 2].map((channel) => {
    const upper = pixel(top, left, channel) * (1 - x + left) + pixel(top, right, channel) * (x - left);
    const lower = pixel(bottom, left, channel) * (1 - x + left) + pixel(bottom, right, channel) * (x - left);
    return upper * (1 - y + top) + lower * (y - top);
  });
}
