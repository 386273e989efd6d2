/**
 * What a record says in the terms that other people's software looks for (Dublin Core, XMP rights, IPTC
 * Photo Metadata, PLUS). Same terms and values as `bodyscan.gltf.rights`. Nobody signs them.
 */
import { isObject } from "./json_text.js";

const PLUS_VERSION = "2.0.1";
const PLUS_VOCABULARY = "http://ns.useplus.org/ldf/vocab/";
const SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/";
const SOMETIMES = ["plus:MinorModelAgeDisclosure", "xmpRights:WebStatement"]; // only some records have them
const LANGUAGE = "x-default";
/** Training, mining, inference, generation -> term of the PLUS vocabulary "Data Mining". */
const DATA_MINING = {
  "false,false,false,false": "DMI-PROHIBITED",
  "true,true,true,true": "DMI-ALLOWED",
  "false,true,true,false": "DMI-PROHIBITED-AIMLTRAINING",
  "true,true,true,false": "DMI-PROHIBITED-GENAIMLTRAINING",
};

/**
 * Return the XMP properties (`prefix:Name` -> JSON-LD value) that sum up a record.
 * @param {any} record
 * @returns {Record<string, any>}
 */
export function rightsTerms(record) {
  const { scope, record_id: id, ai, controller, licensees, subject } = record;
  // A record holds its times in the one spelling that is written here too.
  const { not_before: begin, not_after: end } = record.term;
  const person = subject.pseudonym;
  const users = [controller, ...licensees].map(({ name }) => name);
  /** @type {Record<string, any>} */
  const terms = {
    "dcterms:rights": text(
      `The likeness of ${person}. Use is allowed by the consent record ${id} in this file and within its ` +
        `scope alone: ${scope.description}`,
    ),
    "dcterms:rightsHolder": person,
    "dcterms:accessRights": text(
      `For ${users.join(", ")}. Redistribution: ${scope.redistribution}. Changes up to: ` +
        `${scope.modification}.`,
    ),
    "dcterms:license": `urn:uuid:${id}`,
    "dcterms:valid": `start=${begin}; end=${end}; scheme=W3C-DTF`,
    "xmpRights:Marked": true,
    "xmpRights:Owner": { "@set": [person] },
    "xmpRights:UsageTerms": text(usage(record, begin, end)),
    "plus:Version": PLUS_VERSION,
    "plus:Licensor": { "@list": [{ "plus:LicensorName": person }] },
    "plus:Licensee": { "@list": users.map((user) => ({ "plus:LicenseeName": user })) },
    "plus:LicenseID": `urn:uuid:${id}`,
    "plus:LicenseStartDate": begin,
    "plus:LicenseEndDate": end,
    "plus:MediaConstraints": text(scope.media.join(", ")),
    "plus:RegionConstraints": text(scope.territories.join(", ")),
    "plus:ProductOrServiceConstraints": text(scope.product_lines.join(", ")),
    "plus:ModelReleaseStatus": PLUS_VOCABULARY + (record.demo ? "MR-NAP" : "MR-LMR"),
    "plus:ModelReleaseID": { "@set": [id] },
    "plus:DataMining": PLUS_VOCABULARY + dataMining(ai),
    "plus:OtherConstraints": text(constraints(record)),
    "Iptc4xmpExt:DigitalSourceType": SOURCE_TYPES + record.disclosure.source_type,
  };
  if (subject.minor) terms["plus:MinorModelAgeDisclosure"] = `${PLUS_VOCABULARY}AG-UNK`;
  if (record.notice) terms["xmpRights:WebStatement"] = record.notice.address;
  return terms;
}

/**
 * Return the terms of an XMP packet that do not say what `rightsTerms` says of the record. A term that is not
 * there contradicts nothing; terms that `rightsTerms` does not know are not looked at.
 * @param {any} packet
 * @param {any} record
 * @returns {string[]}
 */
export function contradictions(packet, record) {
  const said = rightsTerms(record);
  const known = new Set([...Object.keys(said), ...SOMETIMES]);
  return [...known]
    .filter((name) => Object.hasOwn(packet, name) && !same(packet[name], said[name] ?? null))
    .sort();
}

/** True where two JSON values are the same; objects in any order. */
function same(found, said) {
  if (Array.isArray(said)) {
    return (
      Array.isArray(found) &&
      found.length === said.length &&
      said.every((item, index) => same(found[index], item))
    );
  }
  if (isObject(said)) {
    const names = Object.keys(said);
    return (
      isObject(found) &&
      Object.keys(found).length === names.length &&
      names.every((name) => Object.hasOwn(found, name) && same(found[name], said[name]))
    );
  }
  return found === said || (said === true && found === 1); // equal in the package too
}

function dataMining({ training, mining, inference, generation }) {
  const key = [training, mining, inference, generation].join();
  return DATA_MINING[key] ?? "DMI-PROHIBITED-SEECONSTRAINT";
}

function usage({ scope, disclosure, withdrawal }, begin, end) {
  return (
    `Allowed: ${scope.purposes.join(", ")}; media ${scope.media.join(", ")}; territories ` +
    `${scope.territories.join(", ")}; from ${begin} until ${end}. Pictures are labelled ` +
    `"${disclosure.label}". The person can take it back: ${withdrawal.address}`
  );
}

function constraints({ ai, scope }) {
  const said = [
    ["training", ai.training],
    ["data mining", ai.mining],
    ["inference", ai.inference],
    ["generation", ai.generation],
  ].map(([name, allowed]) => `${name} ${allowed ? "allowed" : "prohibited"}`);
  const never = scope.prohibited_uses.length ? ` Never: ${scope.prohibited_uses.join(", ")}.` : "";
  return `Machine learning: ${said.join("; ")}.${never}`;
}

/** A language alternative as `KHR_xmp_json_ld` wants it. */
function text(value) {
  return { "@type": "rdf:Alt", "rdf:_1": { "@language": LANGUAGE, "@value": value } };
}
