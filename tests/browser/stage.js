// What the pages share: a white room with two lights, a camera from the front, and pictures of it.
import * as THREE from 'three';

export const size = 480;
const renderer = new THREE.WebGLRenderer({ antialias: false, preserveDrawingBuffer: true });
renderer.setPixelRatio(1);
renderer.setSize(size, size);
document.body.appendChild(renderer.domElement);
export const scene = new THREE.Scene();
scene.background = new THREE.Color(0xffffff);
scene.add(new THREE.HemisphereLight(0xffffff, 0x888888, 1.5));
const sun = new THREE.DirectionalLight(0xffffff, 2);
sun.position.set(1, 2, 3);
scene.add(sun);
const camera = new THREE.OrthographicCamera(-1.2, 1.2, 2.2, -0.2, 0.1, 20);
camera.position.set(0, 0, 5);

export const draw = () => renderer.render(scene, camera);

export const turned = (axis, degrees) => new THREE.Quaternion().setFromAxisAngle(
  new THREE.Vector3(...{ x: [1, 0, 0], y: [0, 1, 0], z: [0, 0, 1] }[axis]), THREE.MathUtils.degToRad(degrees));

export const base64 = data => btoa(Array.from(data, byte => String.fromCharCode(byte)).join(''));

// Functions that the tests of every reader call; `body` is the skinned mesh, `root` holds it.
export function expose(root, body) {
  window.pixels = () => {
    const gl = renderer.getContext();
    const data = new Uint8Array(4 * size * size);
    gl.readPixels(0, 0, size, size, gl.RGBA, gl.UNSIGNED_BYTE, data);
    return base64(data);
  };
  window.lookAt = (x, y, half) => {
    Object.assign(camera, { left: x - half, right: x + half, top: y + half, bottom: y - half });
    camera.updateProjectionMatrix();
    draw();
  };
  window.positions = () => {
    root.updateMatrixWorld(true);
    const point = new THREE.Vector3();
    return Array.from({ length: body.geometry.attributes.position.count }, (_, i) =>
      body.getVertexPosition(i, point).applyMatrix4(body.matrixWorld).toArray());
  };
  window.unlit = () => {
    const { map } = body.material;
    body.material = new THREE.MeshBasicMaterial(map ? { map } : { vertexColors: true });
    draw();
  };
}
