/** Decoding pictures with the browser's own decoders. */
import { CannotJudge, InputError } from "./errors.js";
import { MAX_SIDE } from "./looks.js";

/** @type {[string, number[]][]} */
const TYPES = [
  ["image/png", [0x89, 0x50, 0x4e, 0x47]],
  ["image/jpeg", [0xff, 0xd8, 0xff]],
  ["image/webp", [0x52, 0x49, 0x46, 0x46]],
];

/**
 * Return a PNG, JPEG or WebP image as sRGB bytes, without colour management and as it is stored.
 * @param {Uint8Array} data @returns {Promise<import("./image.js").Picture>}
 */
export async function decodePicture(data) {
  const type = TYPES.find(([, magic]) => magic.every((byte, index) => data[index] === byte));
  if (!type) throw new InputError("An image of the file is neither PNG nor JPEG nor WebP.");
  const bitmap = await bitmapOf(new Blob([/** @type {BlobPart} */ (data)], { type: type[0] }));
  const { width, height } = bitmap;
  if (Math.max(width, height) > MAX_SIDE) {
    throw new InputError(
      `An image of the file is ${width} by ${height}; ${MAX_SIDE} pixels a side is the most.`,
    );
  }
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  if (!context) throw new CannotJudge("This browser cannot read the pixels of the file's image.");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return withoutAlpha(context.getImageData(0, 0, width, height).data, width, height);
}

async function bitmapOf(blob) {
  try {
    return await createImageBitmap(blob, {
      colorSpaceConversion: "none",
      imageOrientation: "from-image",
      premultiplyAlpha: "none",
    });
  } catch {
    throw new InputError("An image of the file cannot be decoded.");
  }
}

function withoutAlpha(rgba, width, height) {
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    // A canvas keeps no colour below transparency.
    if (rgba[from + 3] !== 255) {
      throw new CannotJudge(
        "The file's image is transparent in places, where this page cannot read its colours. Check the " +
          "file with 'bodyscan consent verify'.",
      );
    }
    rgb[to] = rgba[from];
    rgb[to + 1] = rgba[from + 1];
    rgb[to + 2] = rgba[from + 2];
  }
  return { width, height, rgb };
}
