/** The filters that meshopt compression applies after decoding (Appendix B of both extensions). */

const STRIDES = {
  NONE: (stride) => stride % 4 === 0,
  OCTAHEDRAL: (stride) => stride === 4 || stride === 8,
  QUATERNION: (stride) => stride === 8,
  EXPONENTIAL: (stride) => stride % 4 === 0,
  COLOR: (stride) => stride === 4 || stride === 8,
};

/**
 * Return a function that tells which strides a filter goes with; undefined for an unknown filter.
 * @param {string} name
 */
export function filterStrides(name) {
  return Object.hasOwn(STRIDES, name) ? STRIDES[name] : undefined;
}

/**
 * Return the elements after the filter; the caller has checked name and stride.
 * @param {Uint8Array} elements @param {number} stride bytes @param {string} name
 */
export function applyFilter(elements, stride, name) {
  if (name === "NONE" || !elements.length) return elements;
  const wide = stride === 8;
  if (name === "OCTAHEDRAL")
    octahedral(wide ? new Int16Array(elements.buffer) : new Int8Array(elements.buffer));
  else if (name === "QUATERNION") quaternion(new Int16Array(elements.buffer));
  else if (name === "EXPONENTIAL") exponential(elements.buffer);
  else color(elements.buffer, wide);
  return elements;
}

/** Round to the nearest integer, halves away from zero, as C's `round` does. */
function rounded(value, largest) {
  const scaled = (Number.isFinite(value) ? value : 0) * largest;
  return Math.trunc(scaled + (scaled < 0 ? -0.5 : 0.5));
}

function octahedral(values) {
  const largest = values instanceof Int8Array ? 127 : 32767;
  for (let at = 0; at < values.length; at += 4) {
    const one = values[at + 2] || 1;
    let [x, y] = [values[at] / one, values[at + 1] / one];
    const z = 1 - Math.abs(x) - Math.abs(y);
    const fold = Math.min(z, 0);
    x += x < 0 ? -fold : fold;
    y += y < 0 ? -fold : fold;
    const length = Math.hypot(x, y, z) || 1;
    values.set(
      [rounded(x / length, largest), rounded(y / length, largest), rounded(z / length, largest)],
      at,
    );
  }
}

function quaternion(values) {
  for (let at = 0; at < values.length; at += 4) {
    const place = values[at + 3] & 3;
    const one = (values[at + 3] | 3) * Math.SQRT2;
    const xyz = [values[at] / one, values[at + 1] / one, values[at + 2] / one];
    const w = Math.sqrt(Math.max(0, 1 - xyz[0] ** 2 - xyz[1] ** 2 - xyz[2] ** 2));
    [w, ...xyz].forEach((value, index) => {
      values[at + ((place + index) % 4)] = rounded(value, 32767);
    });
  }
}

function exponential(buffer) {
  const [stored, floats] = [new Int32Array(buffer), new Float32Array(buffer)];
  for (let at = 0; at < stored.length; at++) floats[at] = ((stored[at] << 8) >> 8) * 2 ** (stored[at] >> 24);
}

function color(buffer, wide) {
  const unsigned = wide ? new Uint16Array(buffer) : new Uint8Array(buffer);
  const signed = wide ? new Int16Array(buffer) : new Int8Array(buffer);
  const largest = wide ? 65535 : 255;
  for (let at = 0; at < unsigned.length; at += 4) {
    const [luma, orange, green, alpha] = [unsigned[at], signed[at + 1], signed[at + 2], unsigned[at + 3]];
    const bits = 32 - Math.clz32(Math.max(alpha, 1));
    const scale = 2 ** bits - 1;
    const kept = alpha & (scale >> 1);
    const rgba = [luma + orange - green, luma + green, luma - orange - green, (kept << 1) | (kept & 1)];
    rgba.forEach((value, index) => {
      unsigned[at + index] = Math.min(Math.max(Math.floor(value * (largest / scale) + 0.5), 0), largest);
    });
  }
}
