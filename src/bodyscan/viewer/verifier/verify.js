/**
 * The checks that allow a use or refuse it, over a whole file. Same order and words as
 * `bodyscan.consent.verify`: what denies goes before what is unknown. Times: milliseconds since 1970.
 */
import { findAttested } from "./attestation.js";
import { checkedBinding, openConsent } from "./binding.js";
import { agreedConsent, checkRights, consentCopies } from "./consent_copies.js";
import { readContent } from "./content.js";
import { pageData } from "./data.js";
import { CannotJudge, InputError, RefusedConsent } from "./errors.js";
import { parseUtc } from "./fields.js";
import { isGlb, unpackGlb } from "./glb.js";
import { parseStrict } from "./json_text.js";
import { checkKey } from "./key_history.js";
import { missingCrypto, thumbprint } from "./keys.js";
import { coverageGap, termGap } from "./policy.js";
import { roleKeys } from "./record.js";
import { compareSeal } from "./seal.js";
import { checkStatus } from "./status_check.js";
import { utf8Decode } from "./bytes.js";

/**
 * @typedef {import("./evidence.js").Evidence} Evidence
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
 * @property {string | undefined} shape how the triangles alone matched
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
    /** @type {ReturnType<typeof unpackGlb> | undefined} */
    this.unpacked = undefined;
    this.data = data;
    this.decodeImage = decodeImage;
    /** @type {Promise<import("./surface_points.js").BodyContent> | undefined} */
    this.pending = undefined;
    /** @type {Map<any, Promise<any>>} */
    this.reports = new Map();
  }

  /** The consent text and its copies. */
  consent() {
    if (!this.isTwin) {
      const text = textOf(this.data);
      parseStrict(text, "The file"); // what is no JSON at all is no consent that was tampered with
      return { text, copies: undefined };
    }
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
    shape: undefined,
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
  if (file.isTwin) {
    await checkRights(file.unpacked.document, agreed, now);
    report.triangles = (await file.content()).faces.length / 3;
  }
  const opened = await openConsent(agreed, evidence.histories, now, (signature) =>
    report.signatures.push(signature),
  );
  report.record = opened.record;
  await checkTrust(opened.record, evidence.trusted);
  await checkKeys(opened, now);
  if (file.isTwin) await judgeBody(file, opened, evidence, now, report);
  await judgeTerms(opened, evidence, now, use, report);
}

async function checkTrust({ subject, guardian, controller }, { people, controllers }) {
  // For a child the guardian's key is the one that consents, so that is the one to be known.
  for (const [side, key, known] of [
    ["person", (guardian ?? subject).public_key, people],
    ["controller", controller.public_key, controllers],
  ]) {
    const name = await thumbprint(key);
    if (known && !known.includes(name)) {
      throw new RefusedConsent("untrusted", `the ${side}'s key ${name} is not among the trusted keys.`);
    }
  }
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

async function judgeBody(file, opened, evidence, now, report) {
  const binding = await checkedBinding(opened, now);
  report.binding = binding;
  let found = await file.compared(binding);
  report.shape = found.geometry;
  let [geometry, movedMm] = [found.geometry, found.movedMm];
  if (found.alterations.length) {
    const attested = await findAttested(opened, await file.content(), evidence.packers, now);
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
  return meanMm > pageData().limits.surface.otherBodyMm
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
  const status = await checkStatus(
    record,
    evidence.statusLists,
    evidence.withdrawals,
    now,
    histories,
    evidence.memory,
  );
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
  // A part that is there and cannot be looked at may show another person to other readers.
  const unread = Object.entries(report.parts).filter(([, part]) => part.verdict === "unread");
  if (unread.length) {
    const told = unread.map(([name, part]) => `its ${name} cannot be checked here: ${part.reason}`);
    throw new RefusedConsent("unknown", `${told.join("; ")}.`);
  }
  if (report.isTwin && record.bindings?.geometries.length && report.geometry !== "exact") {
    // What else a binding says of the surface is the controller's word alone.
    const reason =
      "the person named the bodies that they signed for by their exact triangles, and this file's are " +
      "others: only the file that was not packed shows that it is one of them.";
    throw new RefusedConsent("unknown", reason, { clause: "bindings.geometries" });
  }
  Object.assign(report, { decision: "allow", state: "valid", reason, clause: "" });
}
