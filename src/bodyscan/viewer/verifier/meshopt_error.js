/** The one error of the meshopt decoders. */
import { InputError } from "./errors.js";

/** @param {string} why */
export function damaged(why) {
  return new InputError(`The file's meshopt data is damaged: ${why}.`);
}
