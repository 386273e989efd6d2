// What both pages share: how the browser tells Python what it saw.

export const size = 480;

/** Warnings and errors of the page, in the order in which they came. */
export const problems = [];
for (const level of ['warn', 'error']) {
  const say = console[level].bind(console);
  console[level] = (...words) => { problems.push(words.map(String).join(' ')); say(...words); };
}
window.addEventListener('error', event => problems.push(String(event.message)));
window.addEventListener('unhandledrejection', event => problems.push(String(event.reason)));

/** Return bytes as base64 text. */
export function base64(bytes) {
  let text = '';
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(text);
}

/** Return what the canvas shows, one byte a pixel, 1 where it is not the white ground; row 0 at the bottom. */
export function mask(gl) {
  const data = new Uint8Array(4 * size * size);
  gl.readPixels(0, 0, size, size, gl.RGBA, gl.UNSIGNED_BYTE, data);
  const covered = new Uint8Array(size * size);
  for (let i = 0; i < covered.length; i++) {
    covered[i] = Math.min(data[4 * i], data[4 * i + 1], data[4 * i + 2]) < 250;
  }
  return base64(covered);
}

/** Return the mean of each of four channels, 0..255, of bytes in RGBA order. */
export function meanOf(data) {
  const sums = [0, 0, 0, 0];
  for (let i = 0; i < data.length; i++) sums[i % 4] += data[i];
  return sums.map(sum => 4 * sum / data.length);
}

/** Return the farthest way between two flat lists of points. */
export function farthest(before, after) {
  let most = 0;
  for (let i = 0; i < before.length; i += 3) {
    most = Math.max(most, Math.hypot(after[i] - before[i], after[i + 1] - before[i + 1], after[i + 2] - before[i + 2]));
  }
  return most;
}

/** Return the extent upwards of a flat list of points. */
export function height(points) {
  let low = Infinity, high = -Infinity;
  for (let i = 1; i < points.length; i += 3) { low = Math.min(low, points[i]); high = Math.max(high, points[i]); }
  return high - low;
}

/** Run a page's reader and leave its report where Python looks for it. */
export async function report(read) {
  try {
    window.report = { loaded: true, ...await read(new URLSearchParams(location.search)), problems };
  } catch (error) {
    window.report = { loaded: false, problems: [...problems, String(error.stack ?? error)] };
  }
}
