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
const MAX_EVIDENCE = 4 * 2 ** 20;

/**
 * @type {{loaded: LoadedFile | undefined, name: string, size: number, texts: {name: string, text:
 *   string}[], turn: number}}
 */
const page = { loaded: undefined, name: "", size: 0, texts: [], turn: 0 };

async function open(file) {
  tell(`Reading ${file.name} …`);
  if (file.size > MAX_FILE) {
    tell(`${file.name} has ${file.size} bytes; files up to ${MAX_FILE} bytes are read.`);
    return;
  }
  const data = new Uint8Array(await file.arrayBuffer());
  Object.assign(page, { loaded: new LoadedFile(data, decodePicture), name: file.name, size: file.size });
  byId("ask").reset();
  await judge(true);
  byId("main").scrollIntoView({ block: "start" });
}

/** Judge what is open. @param {boolean} [anew] whether another file was opened */
async function judge(anew = false) {
  if (!page.loaded) return;
  const turn = ++page.turn;
  const asked = readForm(byId("ask"));
  byId("ask-error")?.replaceChildren(asked.problem);
  if (asked.problem) return;
  await new Promise((resume) => setTimeout(resume)); // let the browser draw before the work
  const clock = Date.now();
  // A moment that has passed is looked back at; a later one is a planned use.
  const now = asked.when !== undefined && (asked.when < clock || !asked.use) ? asked.when : clock;
  const use = asked.use && {
    ...asked.use,
    when: asked.when !== undefined && asked.when > now ? asked.when : undefined,
  };
  const evidence = await evidenceOf(
    page.texts.map(({ text }) => text),
    now,
  );
  const report = await verify(page.loaded, evidence, now, use);
  if (turn !== page.turn) return; // something newer was asked meanwhile
  if (anew) fillForm(byId("ask"), report.record);
  show(report, evidence, use?.when ?? now, use !== undefined);
}

function show(report, evidence, moment, asked) {
  byId("start").hidden = true;
  byId("working").hidden = true;
  byId("answer").hidden = false;
  byId("another").hidden = false;
  showVerdict(byId("verdict"), report, page, asked);
  const holds = ["valid", "not_covered", "unknown"].includes(report.state);
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
    if (file.size > MAX_EVIDENCE) continue;
    page.texts.push({ name: file.name, text: await file.text() });
  }
  await judge();
}

function tell(text) {
  byId("working").hidden = false;
  byId("working").replaceChildren(el("span", { class: "spinner", "aria-hidden": "true" }), text);
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
  const form = byId("ask");
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", () => judge());
  form.addEventListener("reset", () => setTimeout(judge));
}

// eslint-disable-next-line no-undef -- written before this script by verifier_page.py
setData(BODYSCAN_DATA);
fillForm(byId("ask"), undefined);
listen();
