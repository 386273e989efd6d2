// Prints what three.js sees in an FBX: node read_fbx.mjs NODE_MODULES FILE
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [, , modules, file] = process.argv;
// The loader hands its images to a page; there is none, and they are not looked at.
globalThis.window = globalThis;
globalThis.document = {
  createElementNS: () => ({ addEventListener() {}, removeEventListener() {}, style: {} }),
};
const load = (place) => import(pathToFileURL(`${modules}/three/${place}`).href);
const { FBXLoader } = await load('examples/jsm/loaders/FBXLoader.js');
const { Box3, Vector3 } = await load('build/three.module.js');

const data = readFileSync(file);
const bytes = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
console.warn = () => {};
const scene = new FBXLoader().parse(bytes, '');
scene.updateMatrixWorld(true);
const seen = { unit: scene.userData.unitScaleFactor, scales: [], joints: {}, shapes: [] };
scene.traverse((node) => {
  seen.scales.push(node.getWorldScale(new Vector3()).toArray());
  if (node.isBone) seen.joints[node.name] = node.getWorldPosition(new Vector3()).toArray();
  if (node.isSkinnedMesh) {
    seen.shapes = Object.keys(node.morphTargetDictionary);
    seen.corners = node.geometry.attributes.position.count;
    const box = new Box3().setFromBufferAttribute(node.geometry.attributes.position);
    seen.low = box.min.toArray();
    seen.high = box.max.toArray();
  }
});
console.log(JSON.stringify(seen));
process.exit(0);
