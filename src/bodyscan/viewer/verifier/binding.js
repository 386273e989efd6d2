/** Opening a consent text, and what ties its record to a body. Same rules as `bodyscan.consent.binding`. */
import { hex, sha256 } from "./bytes.js";
import { readBundle } from "./bundle.js";
import { RefusedConsent } from "./errors.js";
import { parseUtc } from "./fields.js";
import { byRole, holds, parseJws } from "./jws.js";
import { CLOCK_SKEW_MS, newestHistories, readKeyHistory } from "./key_history.js";
import { thumbprint } from "./keys.js";
import { termGap } from "./policy.js";
import { readPayload, readRecord, recordSha256, roleKeys } from "./record.js";

/**
 * @typedef {{role: string, kid: string, holds: boolean, missing: boolean}} SignatureReport
 * @typedef {object} OpenedConsent a consent text whose signatures hold and are complete
 * @property {import("./bundle.js").Bundle} bundle
 * @property {any} record
 * @property {any} binding undefined where there is none
 * @property {string} bindingSha256
 * @property {string} bindingKid thumbprint of the key that signed the binding
 * @property {Map<string, import("./key_history.js").KeyHistory>} histories by their owner's thumbprint
 */

/**
 * Read a signed record or a bound consent and check all signatures.
 * @param {string | undefined} text @param {import("./key_history.js").KeyHistory[]} known @param {number} now
 * @param {(signature: SignatureReport) => void} [tell] is called for each signature of the record
 * @returns {Promise<OpenedConsent>}
 */
export async function openConsent(text, known, now, tell = () => undefined) {
  const bundle = readBundle(text);
  const record = await readSignedRecord(bundle.record, tell);
  const embedded = [];
  for (const value of bundle.keys) embedded.push(await readKeyHistory(value, now));
  const histories = newestHistories([...embedded, ...known]);
  const opened = { bundle, record, binding: undefined, bindingSha256: "", bindingKid: "", histories };
  if (bundle.binding === undefined) return opened;
  const root = record.controller.public_key;
  const keys = new Map([[await thumbprint(root), root]]);
  for (const { kid, key } of histories.get(await thumbprint(root))?.entries ?? []) keys.set(kid, key);
  const { value, kid, digest } = await readSigned(
    bundle.binding,
    "bodyscan-binding+jws",
    "controller",
    "binding",
    keys,
  );
  return { ...opened, binding: value, bindingKid: kid, bindingSha256: digest };
}

async function readSignedRecord(value, tell) {
  const jws = parseJws(value, "bodyscan-consent+jws");
  let record;
  try {
    record = readRecord(jws.payload);
  } catch (error) {
    throw new RefusedConsent("altered", `${error.message.replace(/\.$/, "")}.`);
  }
  const keys = roleKeys(record);
  for (const signature of jws.signatures) {
    const { role, kid } = signature;
    if (!Object.hasOwn(keys, role)) {
      throw new RefusedConsent("altered", `it is signed as ${role}, a role that the record lacks.`);
    }
    const sound = await holds(jws, signature, keys[role]);
    tell({ role, kid, holds: sound, missing: false });
    if (kid !== (await thumbprint(keys[role]))) {
      throw new RefusedConsent("altered", `the ${role}'s signature names another key than the record does.`);
    }
    if (!sound)
      throw new RefusedConsent("altered", `the ${role}'s signature does not belong to this record and key.`);
  }
  const missing = Object.keys(keys).filter((role) => !byRole(jws, role));
  for (const role of missing) tell({ role, kid: await thumbprint(keys[role]), holds: false, missing: true });
  if (missing.length) {
    throw new RefusedConsent("stripped", `the signature of the ${missing.join(" and the ")} is missing.`);
  }
  return record;
}

/**
 * Return what one of `keys` (thumbprint -> key) signed alone in `role`, that key's thumbprint, and the digest
 * of the signed bytes.
 * @param {any} value
 * @param {string} typ
 * @param {string} role
 * @param {string} schema
 * @param {Map<string, any>} keys
 */
export async function readSigned(value, typ, role, schema, keys) {
  const what = typ.replace("bodyscan-", "").replace("+jws", "");
  const jws = parseJws(value, typ);
  const signature = byRole(jws, role);
  if (!signature || jws.signatures.length !== 1) {
    throw new RefusedConsent("stripped", `the ${what} does not carry the ${role}'s signature alone.`);
  }
  const key = keys.get(signature.kid);
  if (!key || !(await holds(jws, signature, key))) {
    const whom = role === "controller" ? "by the controller of this record" : `by a ${role} whose key counts`;
    throw new RefusedConsent("altered", `the ${what} was not signed ${whom}.`);
  }
  try {
    const payload = readPayload(jws.payload, schema, `the ${what}`);
    return { value: payload, kid: signature.kid, digest: hex(await sha256(jws.payload)) };
  } catch (error) {
    throw new RefusedConsent("altered", `${error.message.replace(/\.$/, "")}.`);
  }
}

/**
 * Return the binding where it belongs to this record and this moment.
 * @param {OpenedConsent} opened @param {number} now
 */
export async function checkedBinding({ binding, record }, now) {
  const refuse = (reason, clause = "") =>
    new RefusedConsent("unbound", reason, { geometry: "unbound", clause });
  if (!binding) throw refuse("it carries no binding to a body.");
  if (binding.record_sha256 !== (await recordSha256(record)) || binding.record_id !== record.record_id) {
    throw refuse("its binding belongs to another record.");
  }
  const { scans = [], geometries = [] } = record.bindings ?? {};
  if (scans.length && !scans.includes(binding.scan_sha256)) {
    const what = binding.scan_sha256 ? `of the scan ${binding.scan_sha256}` : "of no stated scan";
    throw refuse(`the person signed for other scans; this body is ${what}.`, "bindings.scans");
  }
  if (geometries.length && !geometries.includes(binding.seal.geometry)) {
    throw refuse("the person signed for other bodies than this one.", "bindings.geometries");
  }
  const made = parseUtc(binding.created_at);
  if (termGap(record, made))
    throw refuse(`its binding was made at ${binding.created_at}, outside the record's term.`);
  if (made > now + CLOCK_SKEW_MS)
    throw refuse(`its binding says ${binding.created_at}, which is later than now.`);
  return binding;
}
