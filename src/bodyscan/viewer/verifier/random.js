/**
 * The random numbers of `numpy.random.default_rng(0)`, so that this page and the Python package look at the
 * same points of a surface. Generator: PCG64 (XSL-RR 128/64), M. E. O'Neill, "PCG: A Family of Simple Fast
 * Space-Efficient Statistically Good Algorithms for Random Number Generation" (2014).
 */

const MASK_128 = (1n << 128n) - 1n;
const MASK_64 = (1n << 64n) - 1n;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;
/** What numpy's SeedSequence makes of the seed 0. */
const STATE = 35399562948360463058890781895381311971n;
const INCREMENT = 87136372517582989555478159403783844777n;

/** Return a function that gives the next number in [0, 1). */
export function seededRandom() {
  let state = STATE;
  return () => {
    state = (state * MULTIPLIER + INCREMENT) & MASK_128;
    const turn = state >> 122n;
    const mixed = (state >> 64n) ^ (state & MASK_64);
    const bits = ((mixed >> turn) | (mixed << (64n - turn))) & MASK_64;
    return Number(bits >> 11n) * 2 ** -53;
  };
}
