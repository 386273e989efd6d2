/** Words for people: what the record's codes and the verdicts mean. */

const WORDS = {
  make_twin: "Make the digital twin",
  virtual_try_on: "Virtual try-on",
  render: "Still pictures",
  animation: "Moving pictures and real-time scenes",
  advertising: "Advertising",
  export: "Handing the file to others",
  research: "Research on the body data",
  ai_training: "Training of AI models",
  data_mining: "Data mining",
  ai_inference: "Input to AI models",
  ai_generation: "Generation by AI models",
  all: "Everywhere",
  internal: "Internal use",
  web: "Web",
  mobile_app: "Mobile apps",
  social: "Social media",
  print: "Print",
  in_store: "In stores",
  film_and_tv: "Film and television",
  game: "Games",
  virtual_reality: "Virtual reality",
  explicit_consent: "Explicit consent",
  body_shape: "Body shape",
  face_shape: "Face shape",
  skin_texture: "Skin",
  signed_statement: "A statement signed with the person’s key",
  message: "A message",
  stop_new_uses: "No new use may begin",
  stop_all_uses: "All uses end, pictures come down",
  stop_and_delete: "All uses end, twin and scan are deleted",
  licensees: "to licensees alone",
  anyone: "to anyone",
  compositeSynthetic: "Captured and synthetic parts",
  digitalCreation: "Digital creation",
  compositeWithTrainedAlgorithmicMedia: "Captured parts and parts made by a model",
  worldwide: "Worldwide",
};

/** Purposes and media within a sentence. */
export const PURPOSE_PHRASES = {
  make_twin: "to make the digital twin",
  virtual_try_on: "for virtual try-on",
  render: "for still pictures",
  animation: "for moving pictures and real-time scenes",
  advertising: "for advertising",
  export: "for handing the file to others",
  research: "for research on the body data",
};
export const MEDIUM_PHRASES = {
  all: "in all media",
  internal: "for internal use",
  web: "on the web",
  mobile_app: "in mobile apps",
  social: "on social media",
  print: "in print",
  in_store: "in stores",
  film_and_tv: "in film and television",
  game: "in games",
  virtual_reality: "in virtual reality",
};

/** Words for what may be changed; each allows what stands before it. */
export const MODIFICATIONS = {
  none: "Nothing may be changed",
  format: "File format and level of detail",
  pose: "File format, pose, expression, light and scene",
  garments: "Pose, scene, clothes, hair and make-up",
  appearance: "Everything, body shape, skin and face included",
};

/** What a code means, the code itself with spaces where there is no word. @param {string} code */
export function word(code) {
  if (Object.hasOwn(WORDS, code)) return WORDS[code];
  const plain = code.replaceAll("_", " ");
  return plain.charAt(0).toUpperCase() + plain.slice(1);
}

const regions = new Intl.DisplayNames(["en"], { type: "region", fallback: "none" });

/** Name of a territory with its code. @param {string} code */
export function territory(code) {
  if (code === "worldwide") return "Worldwide";
  const [country, part] = code.split("-");
  const name = regions.of(country);
  return name ? `${name}${part ? `, ${part}` : ""} (${code})` : code;
}

const dates = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" });

/** A day in words; the hour too where it is not midnight. @param {string} text `2026-01-31T12:00:00Z` */
export function day(text) {
  const hour = text.slice(11, 16);
  return dates.format(new Date(text)) + (hour === "00:00" ? "" : `, ${hour} UTC`);
}

/** A sentence of the judgement with its times in words. @param {string} text */
export function sentence(text) {
  const told = text.replace(/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z/g, day);
  return told.charAt(0).toUpperCase() + told.slice(1);
}

/** An address without its scheme, as people write it. @param {string} text */
export function address(text) {
  return text.replace(/^mailto:/, "");
}

const UNITS = { Y: "year", M: "month", D: "day" };

/** A duration in words. @param {string} text ISO 8601, `P1Y6M` */
export function duration(text) {
  const parts = [...text.matchAll(/(\d+)([YMD])/g)];
  return parts.map(([, count, unit]) => `${count} ${UNITS[unit]}${count === "1" ? "" : "s"}`).join(" ");
}

/** Words in a row: `a, b and c`. @param {string[]} words */
export function listed(words) {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;
}

/** What a code means within a sentence. @param {string} code */
export function within(code) {
  const text = word(code);
  return /^[A-Z][A-Z]/.test(text) ? text : text.charAt(0).toLowerCase() + text.slice(1);
}

/**
 * The headline of a verdict, and what to do.
 * @type {Record<string, {title: string, todo: string}>}
 */
export const HEADLINES = {
  valid: { title: "The consent holds", todo: "Choose a use below to see whether the terms cover it." },
  allowed: { title: "This use is allowed", todo: "" },
  not_covered: { title: "This use is not allowed", todo: "Ask the person for a consent that covers it." },
  not_yet_valid: { title: "The consent has not begun", todo: "Wait for its first day, or ask the person." },
  expired: { title: "The consent has ended", todo: "Stop. To go on, the person signs a new one." },
  revoked: { title: "The person took the consent back", todo: "Stop the use now." },
  suspended: { title: "The person has halted the consent", todo: "Stop until they let it go on." },
  altered: { title: "This is not what was signed", todo: "Do not use it. Ask for it again from its source." },
  body_altered: { title: "The body was changed", todo: "Do not use it. Ask for it again from its source." },
  stripped: {
    title: "There is no complete consent",
    todo: "Do not use it. Ask its source for the signed file.",
  },
  unbound: {
    title: "The consent is not for this body",
    todo: "Do not use it. Somebody may have moved a consent here.",
  },
  untrusted: { title: "A key does not count", todo: "Do not rely on it before you know whose key it is." },
  unknown: {
    title: "It cannot be told",
    todo: "Do not use it on this answer. Ask, or give what is missing.",
  },
  not_judged: { title: "This question cannot be judged", todo: "" },
  unreadable: { title: "This file cannot be read", todo: "Check that it is the file you meant, and whole." },
};

/** Words for how a body or a part of it matched. @type {Record<string, [string, string, string]>} */
export const MATCHES = {
  exact: ["tick", "Exact", "good"],
  kept: ["tick", "Kept", "good"],
  repacked: ["tick", "Repacked", "good"],
  reattested: ["tick", "Attested by a packer", "good"],
  altered: ["cross", "Altered", "bad"],
  added: ["cross", "Added", "bad"],
  unbound: ["dash", "Not bound", "plain"],
  missing: ["dash", "Not in the file", "plain"],
  unread: ["ask", "Not read", "unsure"],
  stripped: ["cross", "Stripped", "bad"],
};

/** Words for who signed. @type {Record<string, string>} */
export const ROLE_NAMES = {
  subject: "The person",
  guardian: "The guardian",
  controller: "The controller",
  packer: "The packer",
};
