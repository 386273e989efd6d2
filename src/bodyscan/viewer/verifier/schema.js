/**
 * A validator for the JSON Schema keywords that bodyscan's schemas use (JSON Schema 2020-12): `$ref`, `type`,
 * `enum`, `const`, `pattern`, lengths, bounds, `items`, `properties`, `required`, `additionalProperties`.
 * A keyword that it does not know is an error, so that no rule is passed over.
 */
import { UTC_PATTERN, checkText, parseUtc } from "./fields.js";
import { checkPublicJwk } from "./keys.js";
import { isObject } from "./json_text.js";

const SAID_ELSEWHERE = ["title", "description", "default", "$schema", "$id", "$defs"];

/** @type {Record<string, (bound: any, value: any, root: any, place: string) => string | void>} */
const KEYWORDS = {
  type: (bound, value) => (hasType(value, bound) ? undefined : `must be of the type ${bound}`),
  enum: (bound, value) => (bound.includes(value) ? undefined : `must be one of ${bound.join(", ")}`),
  const: (bound, value) => (value === bound ? undefined : `must be ${JSON.stringify(bound)}`),
  pattern: (bound, value) =>
    typeof value !== "string" || new RegExp(bound, "u").test(value)
      ? undefined
      : `must have the form ${bound}`,
  minLength: (bound, value) => (length(value) < bound ? `must have ${bound} characters or more` : undefined),
  maxLength: (bound, value) => (length(value) > bound ? `must have at most ${bound} characters` : undefined),
  minItems: (bound, value) => (value.length < bound ? `must have ${bound} members or more` : undefined),
  maxItems: (bound, value) => (value.length > bound ? `must have at most ${bound} members` : undefined),
  minimum: (bound, value) => (value < bound ? `must be ${bound} or more` : undefined),
  exclusiveMinimum: (bound, value) => (value <= bound ? `must be more than ${bound}` : undefined),
  maximum: (bound, value) => (value > bound ? `must be ${bound} or less` : undefined),
  items: (schema, value, root, place) =>
    value.forEach((/** @type {any} */ item, /** @type {number} */ index) =>
      check(item, schema, root, join(place, String(index))),
    ),
  properties: (schemas, value, root, place) => {
    for (const [name, schema] of Object.entries(schemas)) {
      if (name in value) check(value[name], schema, root, join(place, name));
    }
  },
  required: (names, value, _root, place) => {
    for (const name of names) if (!(name in value)) throw new Error(`${join(place, name)}: is missing`);
  },
  $ref: (name, value, root, place) => {
    const found = name.startsWith("#/$defs/") ? root.$defs[name.slice(8)] : undefined;
    if (!found) throw new Error(`the schema refers to ${name}, which is not there`);
    check(value, found, root, place);
    if (name.endsWith("/PublicJwk")) checkPublicJwk(value);
  },
  additionalProperties: (bound) => (bound === false ? undefined : "has a schema that this page cannot judge"),
};

/**
 * Throw where `value` does not fit the schema, or a text, time or key in it is not sound.
 * @param {any} value @param {any} schema @param {any} [root] holds `$defs` @param {string} [place]
 */
export function check(value, schema, root = schema, place = "") {
  for (const keyword of ["type", ...Object.keys(schema).filter((name) => name !== "type")]) {
    if (!(keyword in schema) || SAID_ELSEWHERE.includes(keyword)) continue;
    const rule = KEYWORDS[keyword];
    if (!rule) throw new Error(`the schema uses ${keyword}, which this page does not know`);
    tell(place, () => {
      const problem = rule(schema[keyword], value, root, place);
      if (problem) throw new Error(`${place || "record"}: ${problem}`);
    });
  }
  if (schema.additionalProperties === false && isObject(value)) {
    const odd = Object.keys(value).find((name) => !(name in (schema.properties ?? {})));
    if (odd !== undefined) throw new Error(`${join(place, odd)}: unknown field`);
  }
  if (typeof value === "string") tell(place, () => checkText(value));
  if (schema.pattern === UTC_PATTERN) tell(place, () => parseUtc(value));
}

/** Run a rule; what it throws names the place once. */
function tell(place, rule) {
  try {
    rule();
  } catch (error) {
    const named = error.message.startsWith(place) || /^[\w.]+: /.test(error.message);
    throw named || !place ? error : new Error(`${place}: ${error.message}`);
  }
}

function hasType(value, type) {
  if (type === "object") return isObject(value);
  if (type === "array") return Array.isArray(value);
  if (type === "integer") return Number.isSafeInteger(value);
  return typeof value === type;
}

function length(value) {
  return typeof value === "string" ? Array.from(value).length : 0;
}

function join(place, name) {
  return place ? `${place}.${name}` : name;
}
