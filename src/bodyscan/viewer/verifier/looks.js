/**
 * How a document colours its surfaces: the one base colour image, its factor, and what else would show.
 * Same rules as `bodyscan.gltf.read_looks`.
 */
import { base64Decode } from "./bytes.js";
import { pageData } from "./data.js";
import { CannotJudge, InputError } from "./errors.js";
import { areaMean } from "./image.js";
import { canonicalText, isObject } from "./json_text.js";
import { listOf, member } from "./views.js";

const SOURCES = ["EXT_texture_webp", "KHR_texture_basisu"];
/** Stands for an image that cannot be decoded here, where the material shows something else anyway. */
const NOT_SEEN = { width: 1, height: 1, rgb: new Uint8Array(3) };
/** Stands for an image that an extension names which is not known here, such as AVIF. */
const UNKNOWN = -1;
const TRANSFORM = "KHR_texture_transform";
const KTX2_MAGIC = [0xab, 0x4b, 0x54, 0x58, 0x20, 0x32, 0x30, 0xbb, 0x0d, 0x0a, 0x1a, 0x0a];
export const MAX_SIDE = 8192;

/**
 * @typedef {import("./image.js").Picture} Picture
 * @typedef {(data: Uint8Array) => Promise<Picture>} DecodeImage throws `InputError` for a damaged image and
 *   `CannotJudge` where pictures cannot be decoded here
 * @typedef {{albedo?: Picture, tint: [number, number, number], unread: string, problem: string}} Looks
 */

/**
 * Return the base colour of a document.
 * @param {any} document
 * @param {import("./accessors.js").AccessorReader} reader
 * @param {DecodeImage} decodeImage
 * @returns {Promise<Looks>}
 */
export async function readLooks(document, reader, decodeImage) {
  const primitives = listOf(document, "meshes").flatMap((mesh) => mesh.primitives);
  const materials = primitives.map((primitive) => materialOf(document, primitive));
  const problem =
    [...[...materials, ...primitives].map(strange), ...materials.map(strangeMaterial)].find(
      (found) => found,
    ) ?? "";
  const surfaces = materials.map((material) => material.pbrMetallicRoughness ?? {});
  const tints = surfaces.map((surface) => (surface.baseColorFactor ?? [1, 1, 1, 1]).slice(0, 3));
  const images = surfaces.map(({ baseColorTexture: use }) =>
    use === undefined ? null : sourcesOf(member(document, "textures", use.index)),
  );
  if (differ(tints) || differ(images)) {
    const several = "the file's meshes show different images or factors; a twin has one skin";
    return { tint: [1, 1, 1], unread: "", problem: problem || several };
  }
  const tint = tints[0] ?? [1, 1, 1];
  if (tint.length !== 3 || !tint.every(Number.isFinite))
    throw new InputError("The file's baseColorFactor is damaged.");
  const [sources] = images;
  if (sources && (!sources.length || sources.includes(UNKNOWN))) {
    return { tint, unread: "the image is of a kind that is not decoded here", problem };
  }
  const decoded = [];
  for (const source of sources ?? []) {
    const { data, why } = imageBytes(member(document, "images", source), reader);
    if (!data) return { tint, unread: why, problem };
    try {
      decoded.push(await decodeImage(data));
    } catch (error) {
      if (!(error instanceof CannotJudge) || !problem) throw error;
      decoded.push(NOT_SEEN);
    }
  }
  const two = decoded.slice(1).some((other) => apart(decoded[0], other) > pageData().limits.looks.sameLevels);
  const differing = two ? "a texture names two images that differ; readers would show one or the other" : "";
  return { albedo: decoded[0], tint, unread: "", problem: problem || differing };
}

function differ(values) {
  return new Set(values.map(canonicalText)).size > 1;
}

function materialOf(document, primitive) {
  return primitive.material === undefined ? {} : member(document, "materials", primitive.material);
}

/**
 * Return the uvs at which the base colour image is looked up, undefined where there is no set.
 * @param {any} document @param {any} primitive @param {import("./accessors.js").AccessorReader} reader
 */
export function readUvs(document, primitive, reader) {
  const use = materialOf(document, primitive).pbrMetallicRoughness?.baseColorTexture ?? {};
  const transform = use.extensions?.[TRANSFORM] ?? {};
  const name = `TEXCOORD_${transform.texCoord ?? use.texCoord ?? 0}`;
  if (!(name in primitive.attributes)) return undefined;
  const { values, width } = reader.read(primitive.attributes[name]);
  if (width !== 2) throw new InputError(`The file's ${name} is damaged: it has ${width} values a vertex.`);
  const uvs = Float32Array.from(values);
  if (!Object.keys(transform).length) return uvs;
  const [scale, offset] = [transform.scale ?? [1, 1], transform.offset ?? [0, 0]];
  const [cos, sin] = [Math.cos(transform.rotation ?? 0), Math.sin(transform.rotation ?? 0)];
  for (let at = 0; at < uvs.length; at += 2) {
    const [u, v] = [values[at] * scale[0], values[at + 1] * scale[1]];
    uvs[at] = cos * u + sin * v + offset[0];
    uvs[at + 1] = cos * v - sin * u + offset[1];
  }
  return uvs;
}

/** The images that readers may show for a texture, each once. */
function sourcesOf(texture) {
  const extensions = texture.extensions ?? {};
  const found = Object.keys(extensions)
    .filter((name) => "source" in Object(extensions[name]))
    .map((name) => (SOURCES.includes(name) ? extensions[name].source : UNKNOWN));
  if ("source" in texture) found.push(texture.source);
  return [...new Set(found)];
}

/** Return an image's bytes, or why they cannot be read. */
function imageBytes(image, reader) {
  let data;
  if ("bufferView" in image) {
    data = reader.views.read(image.bufferView).data;
  } else if (String(image.uri ?? "").startsWith("data:")) {
    try {
      data = base64Decode(image.uri.slice(image.uri.indexOf(",") + 1));
    } catch {
      throw new InputError("An image of the file is damaged: its data URI is no base64.");
    }
  } else {
    return { why: "the image lies outside of the file" };
  }
  if (KTX2_MAGIC.every((byte, index) => data[index] === byte)) {
    return { why: "the image is KTX2, which is not decoded here" };
  }
  return { data };
}

/** Largest difference of two images of any size, seen small, levels of 255. */
function apart(one, other) {
  const [a, b] = [areaMean(one, 64), areaMean(other, 64)];
  return a.reduce((largest, level, index) => Math.max(largest, Math.abs(level - b[index])), 0);
}

/** What a material or primitive shows beside its base colour, empty for a twin's. */
function strange(part) {
  const { plainTextures, otherMaterials } = pageData().limits.looks;
  for (const key of keysOf(part)) {
    if (otherMaterials.includes(key)) return `the file can show other materials (${key})`;
    if (key.endsWith("Texture") && !plainTextures.includes(key)) {
      return `the material has a further image (${key})`;
    }
  }
  return (part.emissiveFactor ?? []).some((value) => value > 0) ? "the material glows (emissiveFactor)" : "";
}

/** By what a material may show another skin than its images, empty for a twin's. */
function strangeMaterial(material) {
  const { plainMaterials } = pageData().limits.looks;
  const other = Object.keys(material.extensions ?? {}).find((name) => !plainMaterials.includes(name));
  if (other) return `the material may look otherwise than its images (${other})`;
  const mode = material.alphaMode ?? "OPAQUE";
  if (mode !== "OPAQUE") return `the skin has holes or lets through (alphaMode ${mode})`;
  const surface = material.pbrMetallicRoughness ?? {};
  if ("baseColorTexture" in surface && (surface.metallicFactor ?? 1) > 0) {
    return "the skin is made of metal (metallicFactor)";
  }
  // Many tools keep shade and roughness in one image; an image of its own would draw on the skin.
  const rough = surface.metallicRoughnessTexture?.index;
  const { occlusionTexture: shade } = material;
  return shade && shade.index !== rough ? "the material has a further image (occlusionTexture)" : "";
}

/** @returns {string[]} the keys of a JSON value, but for extras */
function keysOf(value, depth = 0) {
  if (!isObject(value) || depth >= 16) return [];
  const keys = Object.keys(value).filter((key) => key !== "extras");
  return keys.flatMap((key) => [key, ...keysOf(value[key], depth + 1)]);
}
