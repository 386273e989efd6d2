// Calls functions of the page's modules under Node.js: jobs on stdin, results on stdout (see node.py).
import fs from "node:fs";
import { pathToFileURL } from "node:url";

const [folder] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${folder}/${name}`).href);
const { data, jobs } = JSON.parse(fs.readFileSync(0, "utf8"));
(await load("data.js")).setData(data);
const { JsonFloat, canonicalText } = await load("json_text.js");

function read(value) {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(read);
  if ("$bytes" in value) return new Uint8Array(Buffer.from(value.$bytes, "base64"));
  if ("$floats" in value) return new Float32Array(read({ $bytes: value.$floats }).slice().buffer);
  if ("$indices" in value) return new Uint32Array(read({ $bytes: value.$indices }).slice().buffer);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, read(item)]));
}

function write(value) {
  if (value instanceof JsonFloat) return { $float: canonicalText(value) };
  if (ArrayBuffer.isView(value)) {
    return { $bytes: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") };
  }
  return value;
}

// What takes two steps in the page and one in a test.
const helpers = {
  canonicalOf: async (text) => canonicalText((await load("json_text.js")).parseStrict(text)),
  bytesOf: async (text) => Array.from((await load("bytes.js")).base64urlDecode(text)),
};

const results = [];
for (const { module, name, args } of jobs) {
  try {
    const functions = module === "test" ? helpers : await load(module);
    results.push({ value: write(await functions[name](...args.map(read))) ?? null });
  } catch (error) {
    results.push({ error: error.message });
  }
}
process.stdout.write(JSON.stringify(results));
