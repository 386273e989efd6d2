// Runs the page's own judgement under Node.js: jobs on stdin, verdicts on stdout (see node.py).
import fs from "node:fs";
import { pathToFileURL } from "node:url";

const [folder] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${folder}/${name}`).href);
const { setData } = await load("data.js");
const { LoadedFile, verify } = await load("verify.js");
const { evidenceOf } = await load("evidence.js");
const { CannotJudge } = await load("errors.js");

const { data, jobs } = JSON.parse(fs.readFileSync(0, "utf8"));
setData(data);
const noPictures = async () => {
  throw new CannotJudge("pictures are not decoded under Node.js");
};
const verdicts = [];
for (const { file, evidence, trusted, now, use } of jobs) {
  const loaded = new LoadedFile(new Uint8Array(Buffer.from(file, "base64")), noPictures);
  const begun = performance.now();
  const report = await verify(loaded, await evidenceOf(evidence ?? [], now, trusted ?? {}), now, use ?? undefined);
  const { decision, state, clause, geometry, movedMm, parts, reason, signatures, copies, status } = report;
  const words = Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part.verdict]));
  const kinds = copies?.map((copy) => copy.kind);
  const milliseconds = performance.now() - begun;
  verdicts.push({ decision, state, clause, geometry, movedMm, parts: words, reason, signatures, kinds, status, milliseconds });
}
process.stdout.write(JSON.stringify(verdicts));
