/** How a body's rig matches a seal. Same rules as `bodyscan.consent.seal.rig`. */
import { pageData } from "./data.js";
import { RowDigest, floatBits, rint, usedVertices } from "./digests.js";
import { distanceToPoints } from "./nearest.js";
import { checkIndex, unpackRows } from "./surface_points.js";

const HEADER = "bodyscan rig v1\n";
const JOINT_GRID_M = 2 ** -20;
const STEP_M = 1e-4;

/**
 * @typedef {{verdict: string, reason: string}} PartReport
 * @typedef {import("./surface_points.js").BodyContent} BodyContent
 * @param {any} seal the seal's `rig` @param {BodyContent} content
 * @param {() => import("./surface_points.js").SurfacePoints} at the points of the sealed fingerprint on
 *   this body
 * @returns {Promise<PartReport>}
 */
export async function compareRig(seal, content, at) {
  const skinned = content.influences !== undefined && content.jointPlaces.length > 0;
  if (seal && content.problems.rig) return { verdict: "altered", reason: content.problems.rig };
  if (content.unread.rig) return { verdict: "unread", reason: content.unread.rig };
  if (!seal) {
    return skinned
      ? { verdict: "added", reason: "the file has a skeleton; the bound body has none" }
      : { verdict: "unbound", reason: "neither the file nor the binding has a skeleton" };
  }
  if (!skinned) return { verdict: "missing", reason: "the file has no skeleton" };
  if ((await rigDigest(content)) === seal.digest) {
    return { verdict: "exact", reason: "joints and weights are those that were bound" };
  }
  const joints = jointsApart(seal, content);
  const { largest, mean, beyond } = pullsApart(seal, content, at());
  if (joints.problem) return { verdict: "altered", reason: joints.problem };
  const limits = pageData().limits.rig;
  if (largest > limits.maxMm || mean > limits.meanMm) {
    const reason =
      `the weights pull otherwise: the joints' mean place differs by up to ${largest.toFixed(0)} mm ` +
      `(${mean.toFixed(1)} mm on average, beyond the limit at ${beyond.toFixed(0)} % of the places)`;
    return { verdict: "altered", reason };
  }
  const moved = Math.max(largest, joints.worst);
  return {
    verdict: "kept",
    reason: `the same within ${moved.toFixed(1)} mm (${mean.toFixed(2)} mm on average)`,
  };
}

function pullsApart(seal, content, at) {
  const rows = unpackRows(seal.pulls, ["u2", "i2", "i2", "i2", "i2"], "pulls");
  const pulls = pullOf(content);
  const apart = rows.map(([point, x, y, z, around]) => {
    checkIndex(point, at.count, "pulls");
    const [a, b, c, d] = at.values(pulls, 4, point);
    return (
      1000 *
      Math.max(Math.hypot(a - x * STEP_M, b - y * STEP_M, c - z * STEP_M), Math.abs(d - around * STEP_M))
    );
  });
  const count = Math.max(apart.length, 1);
  return {
    largest: Math.max(0, ...apart),
    mean: apart.reduce((sum, value) => sum + value, 0) / count,
    beyond: (100 * apart.filter((value) => value > pageData().limits.rig.maxMm).length) / count,
  };
}

/** Four numbers a vertex, metres: the weighted mean place of its joints, and their distance around it. */
function pullOf({ influences, jointPlaces, positions }) {
  const { width, joints, weights } = influences;
  const result = new Float64Array((positions.length / 3) * 4);
  for (let vertex = 0; vertex < positions.length / 3; vertex++) {
    const own = Array.from({ length: width }, (_, column) => weights[vertex * width + column]);
    const sum = own.reduce((total, weight) => total + weight, 0);
    const scale = Math.abs(sum - 1) < 0.1 ? sum : 1;
    const mean = [0, 0, 0];
    const place = (column, axis) => jointPlaces[3 * joints[vertex * width + column] + axis];
    own.forEach((weight, column) => {
      for (let axis = 0; axis < 3; axis++) mean[axis] += (weight / scale) * place(column, axis);
    });
    let square = 0;
    own.forEach((weight, column) => {
      for (let axis = 0; axis < 3; axis++)
        square += (weight / scale) * (place(column, axis) - mean[axis]) ** 2;
    });
    const near = pageData().limits.rig.nearM;
    result.set([...mean, Math.sqrt(Math.max(square, 0) + near ** 2) - near], 4 * vertex);
  }
  return result;
}

/** @param {BodyContent} content */
export async function rigDigest(content) {
  const { influences, jointPlaces, positions, faces } = content;
  const { width, joints, weights } = influences;
  const { rank, table } = rankedPlaces(jointPlaces);
  const used = usedVertices(faces, positions.length / 3);
  const rows = [];
  let widest = 0;
  used.forEach((isUsed, vertex) => {
    if (!isUsed) return;
    const pulls = [];
    for (let place = vertex * width; place < (vertex + 1) * width; place++) {
      if (weights[place] !== 0)
        pulls.push({ rank: rank[joints[place]] + 1, bits: floatBits(weights[place]) });
    }
    pulls.sort((a, b) => b.rank - a.rank || b.bits - a.bits);
    widest = Math.max(widest, pulls.length);
    rows.push({ vertex, pulls });
  });
  const columns = 3 + 4 * widest;
  const data = new Uint32Array(rows.length * columns);
  rows.forEach(({ vertex, pulls }, row) => {
    for (let axis = 0; axis < 3; axis++) data[row * columns + axis] = floatBits(positions[3 * vertex + axis]);
    pulls.forEach((pull, column) => {
      data.set([...table[pull.rank - 1], pull.bits], row * columns + 3 + 4 * column);
    });
  });
  const digest = new RowDigest(HEADER, widest);
  digest.addRows(data, columns);
  return `rig-sha256-v1:${await digest.hex()}`;
}

/** Joints' places on the grid as whole numbers, each place once in order, and the rank of each joint's. */
function rankedPlaces(jointPlaces) {
  const places = Array.from({ length: jointPlaces.length / 3 }, (_, joint) =>
    [0, 1, 2].map((axis) => rint(jointPlaces[3 * joint + axis] / JOINT_GRID_M)),
  );
  const compare = (a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
  const table = [...places]
    .sort(compare)
    .filter((place, index, all) => !index || compare(all[index - 1], place) !== 0);
  return { rank: places.map((place) => table.findIndex((other) => compare(place, other) === 0)), table };
}

/** How far sealed joints and the file's lie apart, mm, and what is wrong, in words. */
function jointsApart(seal, { influences, jointPlaces }) {
  const limits = pageData().limits.rig;
  const bound = unpackRows(seal.joints, ["i2", "i2", "i2"], "joints").map((row) =>
    row.map((step) => step * STEP_M),
  );
  const largest = new Float64Array(jointPlaces.length / 3);
  influences.joints.forEach((joint, index) => {
    largest[joint] = Math.max(largest[joint], influences.weights[index]);
  });
  const heavier = (limit) =>
    Array.from(largest.keys())
      .filter((joint) => largest[joint] > limit)
      .map((joint) => Array.from(jointPlaces.subarray(3 * joint, 3 * joint + 3)));
  const [anyWeight, clear] = [heavier(0), heavier(2 * limits.carries)];
  if (!bound.length || !anyWeight.length) {
    return { worst: 0, problem: bound.length ? "no joint of the file carries weight" : "" };
  }
  const away = distances(anyWeight, bound);
  const strange = distances(bound, clear);
  const worst = Math.max(0, ...away, ...strange);
  if (worst <= limits.jointMm) return { worst, problem: "" };
  const off = away.filter((distance) => distance > limits.jointMm).length;
  const added = strange.filter((distance) => distance > limits.jointMm).length;
  const problem =
    `${off} of ${bound.length} joints are not where they were bound and ${added} of the file's are ` +
    `where none was, up to ${worst.toFixed(1)} mm away`;
  return { worst, problem };
}

function distances(to, points) {
  const distance = distanceToPoints(Float64Array.from(to.flat()));
  return points.map(([x, y, z]) => 1000 * distance(x, y, z));
}
