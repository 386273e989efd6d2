/** What the verdict rests on: signatures, the body, the copies in the file. */
import { PLACES } from "./consent_copies.js";
import { el, icon, keyName } from "./dom.js";
import { MATCHES, ROLE_NAMES, day, sentence } from "./words.js";

const PARTS = { rig: "Skeleton and weights", morphs: "Face shapes", texture: "Skin and colours" };

/**
 * Write the proofs into their place.
 * @param {HTMLElement} place @param {import("./verify.js").Report} report
 */
export function showProof(place, report) {
  const cards = [signatures(report)];
  if (report.isTwin) cards.push(body(report), copies(report));
  place.replaceChildren(
    el("h2", { class: "section-title" }, "What this rests on"),
    el("div", { class: "proof-cards" }, ...cards.filter((card) => card !== undefined)),
  );
}

function signatures({ signatures: found, record }) {
  const rows = found.map(({ role, kid, holds, missing }) => {
    const [name, tone, words] = holds
      ? ["tick", "good", "signed"]
      : missing
        ? ["cross", "bad", "has not signed"]
        : ["cross", "bad", "signature does not hold"];
    const who = holderName(record, role);
    return el(
      "li",
      { class: `proof ${tone}` },
      icon(name),
      el(
        "div",
        {},
        el("p", {}, el("strong", {}, ROLE_NAMES[role] ?? role), ` ${words}`),
        who ? el("p", { class: "muted" }, who) : undefined,
        keyName(kid),
      ),
    );
  });
  const none = el("p", { class: "muted" }, "No signature was found that could be checked.");
  return el(
    "section",
    { class: "card", "aria-labelledby": "signatures-title" },
    el("h3", { id: "signatures-title" }, "Signatures"),
    rows.length ? el("ul", { class: "proof-list", id: "signatures" }, ...rows) : none,
    el(
      "p",
      { class: "fine" },
      "The letters name the key. Compare them with those that the person reads to you.",
    ),
  );
}

function holderName(record, role) {
  if (!record) return "";
  if (role === "subject") return record.subject.pseudonym;
  return record[role]?.name ?? "";
}

function body({ geometry, shape, movedMm, parts, binding }) {
  const moved = movedMm > 0 ? `lies up to ${movedMm.toFixed(2)} mm from the bound one` : "";
  const told = shape === "exact" ? "every triangle is the one that was bound" : moved;
  const verdict = ["reattested", "unbound"].includes(geometry ?? "") ? geometry : (shape ?? "unread");
  const rows = [partRow("Shape", binding ? verdict : "unread", binding ? told : "it was not compared")];
  for (const [name, label] of Object.entries(PARTS)) {
    if (parts[name]) rows.push(partRow(label, parts[name].verdict, parts[name].reason, name));
  }
  const made =
    binding && el("p", { class: "fine" }, `Bound on ${day(binding.created_at)} by ${binding.software}.`);
  return el(
    "section",
    { class: "card", "aria-labelledby": "body-title" },
    el("h3", { id: "body-title" }, "The body"),
    el("ul", { class: "proof-list", id: "parts" }, ...rows),
    made,
  );
}

function partRow(label, verdict, reason, part = "geometry") {
  const [name, words, tone] = MATCHES[verdict] ?? MATCHES.unread;
  return el(
    "li",
    { class: `proof ${tone}`, "data-part": part, "data-verdict": verdict },
    icon(name),
    el(
      "div",
      {},
      el("p", {}, el("strong", {}, label), `: ${words.toLowerCase()}`),
      reason ? el("p", { class: "muted" }, reason) : undefined,
    ),
  );
}

function copies({ copies: found, state }) {
  if (!found) return undefined;
  const differ = new Set(found.map(({ text }) => text)).size > 1;
  const rows = PLACES.map(({ kind, label }) => {
    const here = found.filter((copy) => copy.kind === kind);
    const times = here.length > 1 ? ` (${here.length} times)` : "";
    const words = here.length ? `found${times}` : "missing: a tool dropped it";
    const tone = here.length ? "good" : "unsure";
    return el(
      "li",
      { class: `proof ${tone}`, "data-copy": kind, "data-found": String(here.length) },
      icon(here.length ? "tick" : "dash"),
      el("p", {}, el("strong", {}, label), `: ${words}`),
    );
  });
  const sum = differ
    ? el("p", { class: "proof bad" }, icon("cross"), el("span", {}, "They differ: one was exchanged."))
    : el(
        "p",
        { class: "fine" },
        found.length
          ? "One copy is enough, as long as all that are there agree."
          : "Without a copy there is no consent.",
      );
  return el(
    "section",
    { class: "card", "aria-labelledby": "copies-title", "data-state": state },
    el("h3", { id: "copies-title" }, "Copies in the file"),
    el("ul", { class: "proof-list" }, ...rows),
    sum,
  );
}

/**
 * Write whether the consent was taken back, and what of the reader's evidence did not count.
 * @param {HTMLElement} place @param {import("./verify.js").Report} report @param {string[]} unknown
 */
export function showStatus(place, { status, record }, unknown) {
  if (!record) {
    place.replaceChildren(el("p", { class: "muted" }, "This can be told once the consent itself holds."));
    return;
  }
  const tones = {
    good: ["tick", "good"],
    revoked: ["cross", "bad"],
    suspended: ["cross", "bad"],
    unknown: ["ask", "unsure"],
  };
  const [name, tone] = status ? tones[status.state] : tones.unknown;
  const reason = status?.reason ?? "it was not looked into, as the consent fails before that.";
  const line = el(
    "p",
    { class: `proof ${tone}`, "data-status": status?.state ?? "" },
    icon(name),
    el("span", {}, sentence(reason)),
  );
  const leftOut = [...(status?.leftOut ?? []), ...unknown];
  place.replaceChildren(
    line,
    ...leftOut.map((reason_) => el("p", { class: "fine" }, `Not counted: ${sentence(reason_)}`)),
  );
}
