/** The answer, in one look: a shape, a word, a sentence. */
import { el, icon } from "./dom.js";
import { HEADLINES, MATCHES, listed, sentence } from "./words.js";

const CHANGES = {
  shape: "the shape of the body",
  rig: "the skeleton or its weights",
  morphs: "the face shapes",
  texture: "the skin or its colours",
};
const TAGS = { allow: "Allow", deny: "Deny", unknown: "Unknown" };

/**
 * Write the verdict into its section.
 * @param {HTMLElement} section @param {import("./verify.js").Report} report
 * @param {{name: string, size: number}} file @param {boolean} asked whether a use was asked about
 */
export function showVerdict(section, report, file, asked) {
  const { decision, state, clause, geometry } = report;
  const { title, todo } = HEADLINES[headline(report, asked)] ?? HEADLINES.unknown;
  const data = { decision, state, clause, geometry: geometry ?? "", moved: report.movedMm.toFixed(3) };
  Object.assign(section.dataset, data);
  section.className = `verdict ${decision}`;
  section.replaceChildren(
    el("div", { class: "verdict-shape" }, icon(decision)),
    el(
      "div",
      { class: "verdict-text" },
      el("p", { class: "verdict-tag" }, tagOf(decision, asked)),
      el("h1", { id: "verdict-title" }, title),
      changed(report),
      el("p", { class: "verdict-reason", id: "verdict-reason" }, sentence(report.reason)),
      todo && !report.reason.includes("ask for it again")
        ? el("p", { class: "verdict-todo" }, todo)
        : undefined,
      clause ? clauseLine(clause, state) : undefined,
      el("ul", { class: "verdict-facts" }, ...facts(report, file)),
    ),
  );
}

/** What of a body was changed, in plain words, before the numbers. */
function changed({ geometry, shape, parts, binding }) {
  if (geometry !== "altered" || !binding) return undefined;
  const names = Object.keys(CHANGES).filter((name) => ["altered", "added"].includes(parts[name]?.verdict));
  const told = [...(shape === "altered" ? ["shape"] : []), ...names].map((name) => CHANGES[name]);
  return told.length
    ? el("p", { class: "verdict-changed" }, `Not as it was bound: ${listed(told)}.`)
    : undefined;
}

function tagOf(decision, asked) {
  return decision === "allow" && !asked ? "Valid" : TAGS[decision];
}

function headline({ state, geometry, binding }, asked) {
  if (state === "valid") return asked ? "allowed" : "valid";
  return state === "altered" && geometry === "altered" && binding ? "body_altered" : state;
}

function clauseLine(clause, state) {
  const words = state === "unknown" ? "What is missing concerns" : "Decided by";
  const anchor = `row-${clause.split(".").slice(0, 2).join("-")}`;
  return el(
    "p",
    { class: "verdict-clause" },
    `${words} `,
    el("a", { href: `#${anchor}` }, el("code", {}, clause)),
  );
}

function facts({ isTwin, triangles, geometry, movedMm, record, binding }, { name, size }) {
  const found = [el("li", {}, name), el("li", {}, sizeOf(size))];
  if (isTwin && triangles) found.push(el("li", {}, `${triangles.toLocaleString("en")} triangles`));
  if (geometry && binding) {
    const [shape, words] = MATCHES[geometry];
    const moved = ["repacked", "reattested"].includes(geometry) ? ` (${movedMm.toFixed(2)} mm)` : "";
    found.push(el("li", { class: "with-icon" }, icon(shape), `Body: ${words.toLowerCase()}${moved}`));
  }
  if (!isTwin && record) found.push(el("li", {}, "No body in this file: only the record was checked"));
  if (record?.demo) found.push(el("li", { class: "demo" }, "DEMO: this person does not exist"));
  return found;
}

function sizeOf(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
