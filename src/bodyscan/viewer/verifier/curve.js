/**
 * Which 32 bytes are a sound Ed25519 public key: the canonical encoding of a point of the prime-order
 * subgroup. Browsers accept points of small order, with which anybody can sign anything.
 * Curve and encoding: RFC 8032, section 5.1. Small-order points: Chalkias, Garillot and Nikolaenko,
 * "Taming the many EdDSAs" (SSR 2020). Same rules as `bodyscan.consent.curve`.
 */

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const D = mod(-121665n * power(121666n, P - 2n));
const SQRT_MINUS_1 = power(2n, (P - 1n) / 4n);
const DISGUISE = "the public key is not in its canonical encoding (a low-order point in disguise)";

/** @typedef {[bigint, bigint, bigint, bigint]} Point extended coordinates X, Y, Z, T with T = X Y / Z */

/**
 * Throw unless `encoded` is 32 bytes of a canonical, prime-order Ed25519 point.
 * @param {Uint8Array} encoded
 */
export function checkPublicPoint(encoded) {
  const point = decode(encoded);
  if (isIdentity(multiply(8n, point))) {
    throw new Error(
      "the public key is a low-order point: signatures made with it prove nothing, " +
        "so it cannot be a person's key",
    );
  }
  if (!isIdentity(multiply(L, point))) {
    throw new Error("the public key does not lie in the prime-order subgroup of Ed25519");
  }
}

/** @param {Uint8Array} encoded @returns {Point} */
function decode(encoded) {
  if (encoded.length !== 32) {
    throw new Error(`an Ed25519 public key has 32 bytes; this one has ${encoded.length}`);
  }
  let number = 0n;
  for (let index = 31; index >= 0; index--) number = (number << 8n) | BigInt(encoded[index]);
  const sign = number >> 255n;
  const y = number & (2n ** 255n - 1n);
  if (y >= P) throw new Error(DISGUISE);
  let x = recoverX(y);
  if (x === 0n && sign) throw new Error(DISGUISE);
  if ((x & 1n) !== sign) x = P - x;
  return [x, y, 1n, mod(x * y)];
}

/** @param {bigint} y */
function recoverX(y) {
  const square = mod((y * y - 1n) * power(mod(D * y * y + 1n), P - 2n));
  let x = power(square, (P + 3n) / 8n);
  if (mod(x * x - square)) x = mod(x * SQRT_MINUS_1);
  if (mod(x * x - square)) throw new Error("the public key is not a point of the curve Ed25519");
  return x;
}

/** @param {Point} a @param {Point} b @returns {Point} */
function add(a, b) {
  const s = mod((a[1] - a[0]) * (b[1] - b[0]));
  const t = mod((a[1] + a[0]) * (b[1] + b[0]));
  const u = mod(2n * a[3] * b[3] * D);
  const v = mod(2n * a[2] * b[2]);
  const [e, f, g, h] = [t - s, v - u, v + u, t + s];
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

/** @param {bigint} scalar @param {Point} point */
function multiply(scalar, point) {
  /** @type {Point} */
  let result = [0n, 1n, 1n, 0n];
  for (let rest = scalar; rest; rest >>= 1n) {
    if (rest & 1n) result = add(result, point);
    point = add(point, point);
  }
  return result;
}

/** @param {Point} point */
function isIdentity(point) {
  return mod(point[0]) === 0n && mod(point[1] - point[2]) === 0n;
}

/** @param {bigint} value */
function mod(value) {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

/** @param {bigint} base @param {bigint} exponent */
function power(base, exponent) {
  let result = 1n;
  for (let square = mod(base); exponent; exponent >>= 1n) {
    if (exponent & 1n) result = mod(result * square);
    square = mod(square * square);
  }
  return result;
}
