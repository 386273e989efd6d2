/** What was agreed, told in rows. A record is shown only where all its signatures hold. */
import { el, icon, keyName, mark } from "./dom.js";
import {
  MEDIUM_PHRASES,
  MODIFICATIONS,
  PURPOSE_PHRASES,
  address,
  day,
  duration,
  listed,
  territory,
  within,
  word,
} from "./words.js";

const LAPSED = "These terms were signed, but they do not allow anything with this file at this moment.";

/**
 * Write the record into its place.
 * @param {HTMLElement} place @param {any} record undefined where none may be shown
 * @param {object} shown
 * @param {string} shown.clause the field that decided, "" for none
 * @param {string} shown.flagged what to say at that field
 * @param {number} shown.now the moment of the judgement
 * @param {boolean} shown.holds whether the consent holds for this file at that moment, whatever the use
 */
export function showRecord(place, record, { clause, now, holds, flagged }) {
  place.className = holds ? "column-main" : "column-main lapsed";
  if (!record) {
    const why =
      "The terms are shown only where every signature holds. Here they do not, so nobody stands behind them.";
    place.replaceChildren(
      el("section", { class: "card" }, el("h2", {}, "What was agreed"), el("p", { class: "muted" }, why)),
    );
    return;
  }
  const sections = [
    ["Who", people(record)],
    ["What for", uses(record)],
    ["Until when, and for what pay", termAndPay(record, now)],
    ["Machine learning", machine(record)],
    ["Care and control", duties(record)],
  ];
  place.replaceChildren(
    el("h2", { class: "section-title" }, "What was agreed"),
    holds
      ? el("p", { class: "summary" }, summary(record))
      : el("p", { class: "notice" }, icon("warn"), el("span", {}, LAPSED)),
    ...sections.map(([title, rows]) => sectionOf(title, rows, clause, flagged)),
    raw(record),
  );
}

/** The whole agreement in one sentence or two. */
function summary({ subject, controller, licensees, scope, term, pay, ai }) {
  const more = licensees.length ? ` and ${licensees.length} licensee${licensees.length > 1 ? "s" : ""}` : "";
  const everywhere = scope.territories.includes("worldwide");
  const where = everywhere ? "worldwide" : `in ${listed(scope.territories.map(territory))}`;
  const machines = Object.keys(ai).filter((field) => ai[field]);
  const learning = machines.length
    ? `Of machine learning, ${listed(machines)} is allowed.`
    : "Machine learning is not allowed.";
  const told = [
    `${subject.pseudonym} lets ${controller.name}${more} use this body until ${day(term.not_after)}`,
    listed(scope.purposes.map((purpose) => PURPOSE_PHRASES[purpose])),
    listed(scope.media.map((medium) => MEDIUM_PHRASES[medium])),
    where,
    pay.kind === "unpaid" ? "unpaid" : `paid ${payWords(pay)}`,
  ];
  return `${told.join(", ")}. ${learning}`;
}

function payWords({ kind, amount, currency, share_percent, unit }) {
  if (kind === "share") return `${share_percent} % of the revenue of each use`;
  return `${amount} ${currency} ${kind === "flat" ? "once" : `for each ${unit}`}`;
}

function sectionOf(title, rows, clause, flagged) {
  const list = rows
    .filter(([, , value]) => value !== undefined)
    .map(([path, label, ...values]) => {
      const decides =
        clause !== "" && path.split(" ").some((one) => clause === one || clause.startsWith(`${one}.`));
      const id = `row-${path.split(" ")[0].split(".").slice(0, 2).join("-")}`;
      const flag = decides ? el("span", { class: "decides" }, icon("warn"), flagged) : undefined;
      return el(
        "div",
        { class: decides ? "row decided" : "row", id },
        el("dt", {}, label, flag),
        el("dd", {}, ...values),
      );
    });
  return el("section", { class: "card" }, el("h3", {}, title), el("dl", { class: "rows" }, ...list));
}

function people({ subject, guardian, controller, licensees, agency }) {
  const { representation: adviser } = subject;
  return [
    [
      "subject.pseudonym",
      "The person",
      el("strong", {}, subject.pseudonym),
      subject.minor ? minorLine() : undefined,
    ],
    ["subject.adult_from", "Of age from", subject.adult_from && day(subject.adult_from)],
    [
      "guardian",
      "Guardian",
      guardian && lines(`${guardian.name} (${guardian.relation})`, address(guardian.contact)),
    ],
    [
      "subject.representation",
      "Represented by",
      adviser && lines(`${adviser.name} (${word(adviser.kind).toLowerCase()})`, adviser.agreement),
    ],
    ["controller", "Who may use it", lines(controller.name, address(controller.contact))],
    [
      "licensees",
      "And under licence",
      licensees.length ? el("ul", { class: "plain-list" }, ...licensees.map(licenseeLine)) : undefined,
    ],
    [
      "agency",
      "Agency",
      agency &&
        lines(`${agency.name}, keeps ${agency.commission_percent} % of the pay`, address(agency.contact)),
    ],
  ];
}

function minorLine() {
  return el("span", { class: "tag" }, "A child");
}

function licenseeLine({ name, contact, may_repack }) {
  return el(
    "li",
    {},
    name,
    contact ? el("span", { class: "muted" }, ` ${address(contact)}`) : undefined,
    may_repack ? el("span", { class: "tag" }, "may repack") : undefined,
  );
}

function uses({ scope }) {
  const prohibited = scope.prohibited_uses.map((use) => mark("cross", word(use), "plain"));
  const lines_ = scope.product_lines.includes("all") ? "All" : scope.product_lines.join(", ");
  return [
    ["scope.description", "In their words", el("q", {}, scope.description)],
    ["scope.purposes", "Allowed for", chips(scope.purposes.map((use) => mark("tick", word(use), "good")))],
    ["scope.prohibited_uses", "Never in or with", prohibited.length ? chips(prohibited) : "Nothing is named"],
    [
      "scope.territories",
      "Where",
      chips(scope.territories.map((code) => el("span", { class: "mark plain" }, territory(code)))),
    ],
    [
      "scope.media",
      "Media",
      chips(scope.media.map((code) => el("span", { class: "mark plain" }, word(code)))),
    ],
    ["scope.product_lines", "Product lines", lines_],
    ["scope.modification", "May be changed", MODIFICATIONS[scope.modification]],
    [
      "scope.redistribution",
      "May be handed on",
      scope.redistribution === "none" ? "No" : `Yes, ${within(scope.redistribution)}`,
    ],
    ["scope.exclusivity", "Exclusive", scope.exclusivity === "none" ? "No" : word(scope.exclusivity)],
  ];
}

function termAndPay({ term, pay }, now) {
  return [
    [
      "term",
      "Holds",
      el("span", {}, `${day(term.not_before)} to ${day(term.not_after)}`),
      termBar(term, now),
    ],
    ["pay", "Pay", ...payLines(pay)],
    ["pay.due_days", "Due", pay.due_days === undefined ? undefined : `${pay.due_days} days after the use`],
    ["pay.account", "Account", pay.account],
  ];
}

/** A line from the first to the last day with today on it; the words beside it say the same. */
function termBar({ not_before, not_after }, now) {
  const [begin, end] = [Date.parse(not_before), Date.parse(not_after)];
  const share = Math.min(Math.max((now - begin) / (end - begin), 0), 1);
  const days = Math.ceil((end - now) / 86_400_000);
  const left = days === 1 ? "last day" : `${days.toLocaleString("en")} days left`;
  const words = now < begin ? "has not begun" : now >= end ? "has ended" : left;
  const done = el("span");
  done.style.width = `${(share * 100).toFixed(1)}%`;
  const bar = el(
    "span",
    { class: now >= begin && now < end ? "term-bar" : "term-bar over", "aria-hidden": "true" },
    done,
  );
  return el("span", { class: "term" }, bar, el("span", { class: "muted" }, words));
}

function payLines(pay) {
  return [pay.kind === "unpaid" ? "Unpaid" : el("strong", {}, payWords(pay))];
}

function machine({ ai }) {
  const names = {
    training: "Training of models",
    mining: "Data mining",
    inference: "Input to models",
    generation: "Generation by models",
  };
  return Object.entries(names).map(([field, label]) => [
    `ai.${field}`,
    label,
    ai[field] ? mark("tick", "Allowed", "good") : mark("cross", "Not allowed", "plain"),
  ]);
}

function duties({ withdrawal, disclosure, data, notice, separate_document, power_of_attorney, issued_at }) {
  const { status } = withdrawal;
  return [
    ["withdrawal", "Taken back by", lines(word(withdrawal.method), address(withdrawal.address))],
    ["withdrawal.effect", "What then follows", word(withdrawal.effect)],
    [
      "withdrawal.status",
      "Status lists",
      status && lines(status.revocation_list, status.suspension_list, `Place ${status.index}`),
    ],
    [
      "disclosure",
      "Label on pictures",
      el("strong", {}, disclosure.label),
      el("span", { class: "muted" }, ` ${word(disclosure.source_type)}`),
    ],
    [
      "data.categories",
      "Data that are kept",
      listed(data.categories.map((kind, index) => (index ? within(kind) : word(kind)))),
    ],
    ["data.places", "Kept in", data.places.map(territory).join(", ")],
    ["data.lawful_basis", "Lawful basis", word(data.lawful_basis)],
    ["data.delete_by", "Gone by", `${day(data.delete_by)} (kept ${duration(data.retention)} after the term)`],
    [
      "notice",
      "Notice given",
      notice && lines(`${day(notice.given_at)}, in ${notice.language}`, notice.address),
    ],
    ["separate_document", "A document of its own", separate_document ? "Yes" : "No"],
    [
      "power_of_attorney",
      "Power of attorney",
      power_of_attorney ? "Yes, somebody signed for the person" : "Not used",
    ],
    ["issued_at", "Written", day(issued_at)],
  ];
}

function lines(...texts) {
  const kept = texts.filter((text) => text !== undefined);
  return el(
    "span",
    { class: "lines" },
    ...kept.map((text, index) => el("span", { class: index ? "muted" : undefined }, text)),
  );
}

function chips(marks) {
  return el("span", { class: "chips" }, ...marks);
}

function raw(record) {
  const text = JSON.stringify(record, undefined, 2);
  return el(
    "details",
    { class: "raw" },
    el("summary", {}, "The record as it was signed"),
    el("p", { class: "muted" }, "Record ", keyName(record.record_id)),
    el("pre", { tabindex: "0" }, el("code", {}, text)),
  );
}
