/**
 * A packer's word that a file which it made anew shows the bound body. Whose word counts: the controller's
 * own
 * key, a key that its history lists for packing, a licensee whom the record lets repack.
 * Same rules as `bodyscan.consent.attestation`.
 */
import { pageData } from "./data.js";
import { readSigned } from "./binding.js";
import { RefusedConsent } from "./errors.js";
import { parseUtc } from "./fields.js";
import { compareSurface } from "./fingerprint.js";
import { byRole, parseJws } from "./jws.js";
import { CLOCK_SKEW_MS, checkKey } from "./key_history.js";
import { thumbprint } from "./keys.js";
import { termGap } from "./policy.js";
import { recordSha256 } from "./record.js";
import { compareSeal } from "./seal.js";

const TYP = "bodyscan-reattestation+jws";

/**
 * Return the newest attestation that speaks for `content`, or undefined where none does.
 * @param {import("./binding.js").OpenedConsent} opened
 * @param {import("./surface_points.js").BodyContent} content
 * @param {Map<string, any>} trusted keys of packers that the verifier trusts, by thumbprint
 * @param {number} now
 */
export async function findAttested(opened, content, trusted, now) {
  const chain = await readChain(opened, trusted);
  for (let number = chain.length - 1; number >= 0; number--) {
    const { attestation, kid } = chain[number];
    const report = await compareSeal(attestation.seal, content);
    if (report.alterations.length) continue;
    await checkCounts(opened, attestation, kid, now);
    return { attestation, kid, report, movedMm: moved(opened, content) };
  }
  return undefined;
}

/** Return each attestation that a known key signed, the chain from the binding checked. */
async function readChain(opened, trusted) {
  const keys = new Map([...(await packers(opened)), ...trusted]);
  const chain = [];
  let geometry = opened.binding.seal.geometry;
  for (const value of opened.bundle.attestations) {
    const signature = byRole(parseJws(value, TYP), "packer");
    if (signature && !keys.has(signature.kid)) {
      throw new RefusedConsent(
        "untrusted",
        `it was repacked and attested by the key ${signature.kid.slice(0, 64)}, which neither the record ` +
          "nor its controller nor this verifier allows to repack.",
        { clause: "licensees" },
      );
    }
    const { value: attestation, kid } = await readSigned(value, TYP, "packer", "attestation", keys);
    const ours = attestation.record_sha256 === (await recordSha256(opened.record));
    if (!ours || attestation.binding_sha256 !== opened.bindingSha256) {
      throw new RefusedConsent("unbound", "a packer's attestation belongs to another twin.");
    }
    if (attestation.from_geometry !== geometry) {
      throw new RefusedConsent("altered", "the chain of packers' attestations is broken.");
    }
    geometry = attestation.seal.geometry;
    chain.push({ attestation, kid });
  }
  return chain;
}

async function packers({ record, histories }) {
  const root = record.controller.public_key;
  const rootName = await thumbprint(root);
  const keys = new Map([[rootName, root]]);
  for (const { kid, key, uses } of histories.get(rootName)?.entries ?? [])
    if (uses.includes("pack")) keys.set(kid, key);
  for (const { may_repack, public_key } of record.licensees) {
    if (may_repack) keys.set(await thumbprint(public_key), public_key);
  }
  return keys;
}

async function checkCounts({ record, histories, bundle }, attestation, kid, now) {
  const root = record.controller.public_key;
  const history = histories.get(await thumbprint(root));
  const made = parseUtc(attestation.created_at);
  if (history?.entries.some((entry) => entry.kid === kid)) {
    const stamped = bundle.stamps.some(({ of }) => of === "attestation");
    await checkKey(history, root, kid, "pack", { signedAt: made, stamped, now });
  }
  if (made > now + CLOCK_SKEW_MS || termGap(record, made)) {
    const when = "in the future or outside the record's term";
    throw new RefusedConsent("unbound", `it was repacked at ${attestation.created_at}, ${when}.`);
  }
}

function moved({ binding }, { positions, faces }) {
  const { maxMm, meanMm } = compareSurface(binding.seal.fingerprint, positions, faces);
  const limits = pageData().limits.attestation;
  if (maxMm > limits.maxMm || meanMm > limits.meanMm) {
    throw new RefusedConsent(
      "altered",
      `the repacked body lies up to ${maxMm.toFixed(1)} mm (${meanMm.toFixed(2)} mm on average) from the ` +
        `bound one; a packer answers for ${limits.maxMm} mm (${limits.meanMm} mm).`,
      { movedMm: maxMm },
    );
  }
  return maxMm;
}
