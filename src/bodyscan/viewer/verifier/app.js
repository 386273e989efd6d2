/** The page: opens a file, judges it, and judges it anew when the use or the evidence changes. */
import { setData } from "./data.js";
import { byId, el, icon } from "./dom.js";
import { evidenceOf } from "./evidence.js";
import { decodePicture } from "./picture.js";
import { LoadedFile, verify } from "./verify.js";
import { fillForm, readForm } from "./view_ask.js";
import { showProof, showStatus } from "./view_proof.js";
import { showRecord } from "./view_record.js";
import { showVerdict } from "./view_verdict.js";

const MAX_FILE = 2 ** 30;
const PAST =
  "That moment has passed: this page judges uses from now on. To look back, run " +
  "'bodyscan consent verify --now'.";
const MINUTE_MS = 60_000;
const MAX_EVIDENCE = 4 * 2 ** 20;

/**
 * What is open, what was added, and the number of the newest judgement.
 * @type {{loaded: LoadedFile | undefined, name: string, size: number, fresh: boolean,
 *   texts: {name: string, text: string}[], turn: number}}
 */
const page = { loaded: undefined, name: "", size: 0, fresh: false, texts: [], turn: 0 };

async function open(file) {
  close(`Reading ${file.name} …`, true);
  if (file.size > MAX_FILE) {
    close(`${file.name} has ${file.size} bytes; files up to ${MAX_FILE} bytes are read.`);
    return;
  }
  let data;
  try {
    data = new Uint8Array(await file.arrayBuffer());
  } catch {
    close(`${file.name} cannot be read. Is it a folder, or was it moved?`);
    return;
  }
  Object.assign(page, {
    loaded: new LoadedFile(data, decodePicture),
    name: file.name,
    size: file.size,
    fresh: true,
  });
  byId("ask").reset();
  await judge();
  window.scrollTo(0, 0);
}

/** Judge what is open. */
async function judge() {
  if (!page.loaded) return;
  const turn = ++page.turn;
  const { use, when: entered, problem } = readForm(byId("ask"));
  await new Promise((resume) => setTimeout(resume)); // let the browser draw before the work
  const clock = Date.now();
  // A field without seconds names a moment that has just begun.
  const past = entered !== undefined && entered < clock - MINUTE_MS ? PAST : "";
  const when = entered === undefined || past ? undefined : Math.max(entered, clock);
  // Without a use the question is whether it holds at that moment.
  const now = use ? clock : (when ?? clock);
  const evidence = await evidenceOf(
    page.texts.map(({ text }) => text),
    now,
    knownKeys(),
  );
  const report = await verify(page.loaded, evidence, now, use && { ...use, when });
  if (problem || past) {
    const found = { decision: "unknown", state: "not_judged", reason: problem || past, clause: "" };
    Object.assign(report, found);
  }
  if (turn !== page.turn) return; // something newer was asked meanwhile
  if (page.fresh) fillForm(byId("ask"), report.record);
  page.fresh = false;
  byId("ask-error").replaceChildren(problem || past);
  show(report, evidence, when ?? now, use !== undefined);
}

/** The thumbprints that the reader knows; a side without any trusts every key. */
function knownKeys() {
  const named = (side) =>
    byId(`known-${side}`)
      .value.split(/[\s,]+/)
      .filter((name) => name);
  const sides = ["people", "controllers"].filter((side) => named(side).length);
  return Object.fromEntries(sides.map((side) => [side, named(side)]));
}

function show(report, evidence, moment, asked) {
  byId("start").hidden = true;
  byId("working").hidden = true;
  byId("answer").hidden = false;
  byId("another").hidden = false;
  byId("ask").closest("section").hidden = !report.record;
  showVerdict(byId("verdict"), report, page, asked);
  const holds = ["valid", "not_covered", "unknown", "not_judged"].includes(report.state);
  showRecord(byId("record"), report.record, {
    clause: report.clause,
    flagged: report.decision === "unknown" ? "This is missing" : "This decides",
    now: moment,
    holds,
  });
  showProof(byId("proof"), report);
  showStatus(byId("status"), report, evidence.unknown);
  const entries = page.texts.map(({ name }, index) => {
    const remove = el(
      "button",
      { type: "button", class: "button quiet small", "aria-label": `Remove ${name}` },
      icon("cross"),
    );
    remove.addEventListener("click", () => {
      page.texts.splice(index, 1);
      judge();
    });
    return el("li", { class: "evidence" }, el("span", {}, name), remove);
  });
  byId("evidence-list").replaceChildren(...entries);
  document.title = `${byId("verdict-title").textContent}: ${page.name}`;
  byId("verdict").dataset.turn = String(page.turn);
}

async function addEvidence(files) {
  for (const file of files) {
    const fits = file.size <= MAX_EVIDENCE;
    page.texts.push({ name: file.name, text: fits ? await file.text() : "" });
  }
  await judge();
}

/** Take away the answer to the file before, so that it is not read as this one's, and say why. */
function close(text, busy = false) {
  page.loaded = undefined;
  page.turn++;
  byId("answer").hidden = true;
  byId("start").hidden = false;
  byId("working").hidden = false;
  const spinner = busy ? [el("span", { class: "spinner", "aria-hidden": "true" })] : [];
  byId("working").replaceChildren(...spinner, text);
}

/** Let a button open files by a click, a key or a drop. */
function fileButton(button, input, take) {
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    if (input.files.length) take([...input.files]);
    input.value = "";
  });
  button.addEventListener("dragover", () => button.classList.add("over"));
  button.addEventListener("dragleave", () => button.classList.remove("over"));
}

function listen() {
  fileButton(byId("drop"), byId("file"), ([file]) => open(file));
  fileButton(byId("drop-evidence"), byId("evidence-file"), addEvidence);
  byId("another").addEventListener("click", () => byId("file").click());
  // A file may be dropped anywhere; over the evidence button it is evidence.
  window.addEventListener("dragover", (event) => event.preventDefault());
  window.addEventListener("drop", (event) => {
    event.preventDefault();
    for (const button of document.querySelectorAll(".drop")) button.classList.remove("over");
    const files = [...(event.dataTransfer?.files ?? [])];
    if (!files.length) return;
    if (event.target instanceof Element && event.target.closest("#drop-evidence")) addEvidence(files);
    else open(files[0]);
  });
  byId("known").addEventListener("change", () => judge());
  const form = byId("ask");
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", () => judge());
  form.addEventListener("reset", () => setTimeout(judge));
}

// What verifier_page.py writes before this script.
// @ts-ignore
setData(BODYSCAN_DATA);
fillForm(byId("ask"), undefined);
listen();
