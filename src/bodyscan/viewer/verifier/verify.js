/**
 * The checks that allow a use or refuse it, over a whole file. Same order and words as
 * `bodyscan.consent.verify`: what denies goes before what is unknown. Times: milliseconds since 1970.
 */
import { findAttested } from "./attestation.js";
import { checkedBinding, openConsent } from "./binding.js";
import { consentCopies, agreedConsent } from "./consent_copies.js";
import { readContent } from "./content.js";
import { CannotJudge, InputError, RefusedConsent } from "./errors.js";
import { parseUtc } from "./fields.js";
import { isGlb, unpackGlb } from "./glb.js";
import { checkKey } from "./key_history.js";
import { missingCrypto, thumbprint } from "./keys.js";
import { coverageGap, termGap } from "./policy.js";
import { roleKeys } from "./record.js";
import { compareSeal } from "./seal.js";
import { checkStatus } from "./status_check.js";
import { utf8Decode } from "./bytes.js";

const OTHER_BODY_MM = 10;

/**
 * @typedef {object} Evidence what the reader has beside the file
 * @property {string[]} statusLists @property {string[]} withdrawals
 * @property {import("./key_history.js").KeyHistory[]} histories
 *
 * @typedef {object} Report what was found
 * @property {"allow" | "deny" | "unknown"} decision
 * @property {string} state one word; `unreadable` where the file is none that can be read
 * @property {string} reason one sentence
 * @property {string} clause path of the field that decided, "" for none
 * @property {any} record only where all its signatures hold
 * @property {import("./binding.js").SignatureReport[]} signatures
 * @property {any} binding
 * @property {string | undefined} geometry how the body matched; undefined where none was looked at
 * @property {number} movedMm
 * @property {Record<string, import("./seal_rig.js").PartReport>} parts
 * @property {import("./consent_copies.js").Copy[] | undefined} copies undefined for a bare record
 * @property {import("./status_check.js").StatusVerdict | undefined} status
 * @property {boolean} isTwin
 * @property {number} triangles
 */

/** A file that was read once and may be judged again and again. */
export class LoadedFile {
  /**
   * @param {Uint8Array} data a GLB, or the JSON of a signed record
   * @param {import("./looks.js").DecodeImage} decodeImage
   */
  constructor(data, decodeImage) {
    this.isTwin = isGlb(data);
    this.data = data;
    this.decodeImage = decodeImage;
    /** @type {Promise<import("./surface_points.js").BodyContent> | undefined} */
    this.pending = undefined;
    /** @type {Map<any, Promise<any>>} */
    this.reports = new Map();
  }

  /** The consent text and its copies. */
  consent() {
    if (!this.isTwin) return { text: textOf(this.data), copies: undefined };
    this.unpacked ??= unpackGlb(this.data);
    const copies = consentCopies(this.unpacked.document);
    return { copies, text: undefined };
  }

  /** The body, read once. */
  content() {
    const { document, binary } = this.unpacked ?? unpackGlb(this.data);
    this.pending ??= readContent(document, binary, this.decodeImage);
    return this.pending;
  }

  /** How the body matches a binding's seal, compared once. @param {any} binding */
  async compared(binding) {
    const key = JSON.stringify(binding.seal.geometry);
    const content = await this.content();
    if (!this.reports.has(key)) this.reports.set(key, compareSeal(binding.seal, content));
    return this.reports.get(key);
  }
}

function textOf(data) {
  try {
    return utf8Decode(data);
  } catch {
    throw new InputError("This is neither a GLB file nor a text.");
  }
}

/**
 * Judge a file. Never throws for what the file holds.
 * @param {LoadedFile} file @param {Evidence} evidence @param {number} now
 * @param {import("./policy.js").Use} [use] without one the terms are not judged
 * @returns {Promise<Report>}
 */
export async function verify(file, evidence, now, use) {
  /** @type {Report} */
  const report = {
    decision: "deny",
    state: "unreadable",
    reason: "",
    clause: "",
    record: undefined,
    signatures: [],
    binding: undefined,
    geometry: undefined,
    movedMm: 0,
    parts: {},
    copies: undefined,
    status: undefined,
    isTwin: file.isTwin,
    triangles: 0,
  };
  try {
    const missing = await missingCrypto();
    if (missing) throw new CannotJudge(`${missing}. Use a current Chrome, Edge, Firefox or Safari.`);
    await judge(file, evidence, now, use, report);
  } catch (error) {
    if (error instanceof RefusedConsent) {
      const {
        clause = "",
        geometry = report.geometry,
        movedMm = report.movedMm,
        parts = report.parts,
      } = error.found;
      const decision = error.state === "unknown" ? "unknown" : "deny";
      Object.assign(report, {
        decision,
        state: error.state,
        reason: error.message,
        clause,
        geometry,
        movedMm,
        parts,
      });
    } else if (error instanceof CannotJudge) {
      Object.assign(report, { decision: "unknown", state: "unknown", reason: error.message });
    } else {
      const damaged = error instanceof InputError ? error.message : `The file is damaged: ${error.message}`;
      Object.assign(report, { state: "unreadable", reason: damaged });
    }
  }
  return report;
}

async function judge(file, evidence, now, use, report) {
  const { text, copies } = file.consent();
  report.copies = copies;
  const agreed = copies ? agreedConsent(copies) : text;
  if (file.isTwin) report.triangles = (await file.content()).faces.length / 3;
  const opened = await openConsent(agreed, evidence.histories, now, (signature) =>
    report.signatures.push(signature),
  );
  report.record = opened.record;
  await checkKeys(opened, now);
  if (file.isTwin) await judgeBody(file, opened, now, report);
  await judgeTerms(opened, evidence, now, use, report);
}

async function checkKeys(opened, now) {
  const { record, binding, bundle, histories } = opened;
  const stamped = (part) => bundle.stamps.some(({ of }) => of === part);
  for (const key of Object.values(roleKeys(record))) {
    const name = await thumbprint(key);
    const when = { signedAt: parseUtc(record.issued_at), stamped: stamped("record"), now };
    await checkKey(histories.get(name), key, name, "record", when);
  }
  if (!binding) return;
  const root = record.controller.public_key;
  const when = { signedAt: parseUtc(binding.created_at), stamped: stamped("binding"), now };
  await checkKey(histories.get(await thumbprint(root)), root, opened.bindingKid, "binding", when);
}

async function judgeBody(file, opened, now, report) {
  const binding = await checkedBinding(opened, now);
  report.binding = binding;
  let found = await file.compared(binding);
  let [geometry, movedMm] = [found.geometry, found.movedMm];
  if (found.alterations.length) {
    const attested = await findAttested(opened, await file.content(), now);
    if (!attested) throw alteredBody(found);
    [geometry, movedMm, found] = ["reattested", attested.movedMm, attested.report];
  }
  Object.assign(report, { geometry, movedMm, parts: found.parts });
}

function alteredBody(found) {
  const { movedMm, meanMm, problems } = found;
  if (found.geometry !== "altered") {
    const reason = `its body was changed after it was bound: ${found.alterations.join("; ")}.`;
    return new RefusedConsent("altered", reason, { geometry: "altered", movedMm, parts: found.parts });
  }
  // The parts are told only where the triangles hold: on another body each of them differs too.
  const told = problems.join("; ");
  return meanMm > OTHER_BODY_MM
    ? new RefusedConsent("unbound", `its binding belongs to another body: ${told}.`, {
        geometry: "unbound",
        movedMm,
      })
    : new RefusedConsent("altered", `its body is not as it was bound: ${told}.`, {
        geometry: "altered",
        movedMm,
      });
}

async function judgeTerms({ record, histories }, evidence, now, use, report) {
  const status = await checkStatus(record, evidence.statusLists, evidence.withdrawals, now, histories);
  report.status = status;
  const gaps = [
    termGap(record, use?.when ?? now),
    status.state === "good" ? undefined : { ...status, reason: status.reason.replace(/\.$/, "") },
    use && (await coverageGap(record, use)),
  ].filter((gap) => gap !== undefined);
  const gap = gaps.find(({ state }) => state !== "unknown") ?? gaps[0];
  if (gap) throw new RefusedConsent(gap.state, `${gap.reason}.`, { clause: gap.clause });
  const judged = use ? `it covers ${use.purpose.replaceAll("_", " ")}` : "no use was asked about";
  let reason = `it is signed by all, holds until ${record.term.not_after}, and ${judged}.`;
  const moved = `its surface moved by up to ${report.movedMm.toFixed(2)} mm.`;
  if (report.geometry === "repacked") reason += ` The file was repacked: ${moved}`;
  if (report.geometry === "reattested") reason += ` A packer attests it: ${moved}`;
  Object.assign(report, { decision: "allow", state: "valid", reason, clause: "" });
}
