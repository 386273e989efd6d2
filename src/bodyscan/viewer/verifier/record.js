/**
 * The consent record: its form by the published schema, and the rules between fields that no schema says.
 * Same rules as `bodyscan.consent.record`.
 */
import { hex, sameBytes, sha256 } from "./bytes.js";
import { pageData } from "./data.js";
import { checkAddress, checkTerritory, checkWebAddress, parseUtc } from "./fields.js";
import { canonicalBytes, isObject, parseStrict } from "./json_text.js";
import { check } from "./schema.js";

export const RECORD_SCHEMA = "urn:bodyscan:consent-record:1";
export const AI_PURPOSES = {
  ai_training: "training",
  data_mining: "mining",
  ai_inference: "inference",
  ai_generation: "generation",
};

/**
 * Return the value of a signed payload; it must fit the schema and be in canonical JSON.
 * @param {Uint8Array} payload @param {string} name of the schema @param {string} what for messages
 */
export function readPayload(payload, name, what) {
  const value = parseStrict(payload, what);
  try {
    check(value, pageData().schemas[name]);
  } catch (error) {
    throw new Error(`${what} is not valid: ${error.message}`);
  }
  if (!sameBytes(canonicalBytes(value), payload)) throw new Error(`${what} is not in canonical JSON`);
  return value;
}

/** Return a record from the bytes that were signed, or throw. @param {Uint8Array} payload */
export function readRecord(payload) {
  const value = parseStrict(payload, "the signed record");
  if (isObject(value) && "schema" in value && value.schema !== RECORD_SCHEMA) {
    throw new Error(
      `the signed record is of the schema '${value.schema}'; this page reads '${RECORD_SCHEMA}'`,
    );
  }
  const record = readPayload(payload, "record", "the signed record");
  try {
    checkRules(record);
  } catch (error) {
    throw new Error(`the signed record is not valid: ${error.message}`);
  }
  return record;
}

/** The hex digest of the record's canonical JSON. @param {any} record */
export async function recordSha256(record) {
  return hex(await sha256(canonicalBytes(record)));
}

/** Who must sign a record, and with which key. @param {any} record @returns {Record<string, any>} */
export function roleKeys(record) {
  return {
    ...(record.subject.public_key && { subject: record.subject.public_key }),
    ...(record.guardian && { guardian: record.guardian.public_key }),
    controller: record.controller.public_key,
  };
}

function checkRules(record) {
  checkPeople(record);
  checkAddresses(record);
  checkScope(record.scope);
  checkPay(record.pay);
  const { term, data, bindings, agency, demo, subject } = record;
  demand(
    parseUtc(term.not_before) < parseUtc(term.not_after),
    "term: not_after must be later than not_before",
  );
  demand(
    parseUtc(data.delete_by) >= parseUtc(term.not_after),
    "data.delete_by lies before the end of the term",
  );
  for (const name of ["categories", "places"]) once(data[name], `data: ${name}`);
  demand(!bindings || bindings.scans.length + bindings.geometries.length > 0, "bindings names nothing");
  demand(!agency || Number(agency.commission_percent) <= 100, "agency: commission_percent is over 100");
  demand(demo === subject.pseudonym.startsWith("DEMO "), "a demo record, and no other, begins with 'DEMO '");
}

function checkPeople({ subject, guardian, controller, licensees }) {
  demand(!subject.minor || "adult_from" in subject, "subject: adult_from must say when a minor comes of age");
  demand(subject.minor || !("adult_from" in subject), "subject: adult_from is for a minor");
  demand(subject.minor || "public_key" in subject, "subject: an adult signs with their own key");
  demand(!subject.minor || guardian, "the subject is a minor: a guardian must be named");
  demand(!guardian || subject.minor, "a guardian is named, but the subject is not marked as a minor");
  for (const licensee of licensees) {
    demand(!licensee.may_repack || "public_key" in licensee, "licensees: may_repack needs the public_key");
  }
  const holders = [subject, guardian, controller, ...licensees].filter((holder) => holder?.public_key);
  once(
    holders.map((holder) => holder.public_key.x),
    "two roles share one key: each role",
  );
  const names = [controller, ...licensees].map(({ name }) => name.toUpperCase().toLowerCase());
  once(names, "controller and licensees need names that differ: each");
}

function checkAddresses(record) {
  for (const holder of [record.guardian, record.controller, record.agency, ...record.licensees]) {
    if (holder && "contact" in holder) checkAddress(holder.contact);
  }
  checkAddress(record.withdrawal.address);
  const { status } = record.withdrawal;
  if (status) {
    checkWebAddress(status.revocation_list);
    checkWebAddress(status.suspension_list);
    demand(
      status.revocation_list !== status.suspension_list,
      "withdrawal.status: two lists need two addresses",
    );
  }
  if (record.notice) checkWebAddress(record.notice.address);
  [...record.scope.territories, ...record.data.places].forEach(checkTerritory);
}

function checkScope(scope) {
  for (const name of ["purposes", "territories", "media", "product_lines", "prohibited_uses"]) {
    once(scope[name], `scope: ${name}`);
  }
  for (const [name, all] of [
    ["territories", "worldwide"],
    ["media", "all"],
    ["product_lines", "all"],
  ]) {
    demand(
      !scope[name].includes(all) || scope[name].length === 1,
      `scope: ${name} holds '${all}' beside others`,
    );
  }
  for (const purpose of scope.purposes) {
    demand(!Object.hasOwn(AI_PURPOSES, purpose), `scope: purposes cannot hold ${purpose}`);
  }
  const exported = scope.purposes.includes("export");
  demand(
    exported === (scope.redistribution !== "none"),
    "scope: the purpose export and redistribution go together",
  );
}

function checkPay(pay) {
  const needed = {
    per_use: ["amount", "currency", "unit", "due_days", "account"],
    flat: ["amount", "currency", "due_days", "account"],
    share: ["share_percent", "due_days", "account"],
    unpaid: [],
  }[pay.kind];
  const given = Object.keys(pay).filter((name) => name !== "kind");
  demand(
    given.sort().join() === needed.sort().join(),
    `pay of the kind ${pay.kind} takes ${needed.join(", ")}`,
  );
  demand(!("amount" in pay) || Number(pay.amount) > 0, "pay: amount must be over 0");
  const share = "share_percent" in pay ? Number(pay.share_percent) : 1;
  demand(share > 0 && share <= 100, "pay: share_percent must be over 0 and at most 100");
}

function demand(holds, problem) {
  if (!holds) throw new Error(problem);
}

function once(values, what) {
  demand(new Set(values).size === values.length, `${what} names a value twice`);
}
