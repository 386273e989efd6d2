/** The answer, in one look: a shape, a word, a sentence. */
import { el, icon } from "./dom.js";
import { HEADLINES, MATCHES, sentence } from "./words.js";

const TAGS = { allow: "Allow", deny: "Deny", unknown: "Unknown" };

/**
 * Write the verdict into its section.
 * @param {HTMLElement} section @param {import("./verify.js").Report} report
 * @param {{name: string, size: number}} file @param {boolean} asked whether a use was asked about
 */
export function showVerdict(section, report, file, asked) {
  const { decision, state, clause, geometry } = report;
  const { title, todo } = HEADLINES[headline(state, geometry, asked)] ?? HEADLINES.unknown;
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
      el("p", { class: "verdict-reason", id: "verdict-reason" }, sentence(report.reason)),
      todo ? el("p", { class: "verdict-todo" }, todo) : undefined,
      clause ? clauseLine(clause, state) : undefined,
      el("ul", { class: "verdict-facts" }, ...facts(report, file)),
    ),
  );
}

function tagOf(decision, asked) {
  return decision === "allow" && !asked ? "Valid" : TAGS[decision];
}

function headline(state, geometry, asked) {
  if (state === "valid") return asked ? "allowed" : "valid";
  return state === "altered" && geometry === "altered" ? "body_altered" : state;
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

function facts({ isTwin, triangles, geometry, movedMm, record }, { name, size }) {
  const found = [el("li", {}, name), el("li", {}, sizeOf(size))];
  if (isTwin && triangles) found.push(el("li", {}, `${triangles.toLocaleString("en")} triangles`));
  if (geometry) {
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
