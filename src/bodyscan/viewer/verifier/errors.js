/**
 * What can go wrong, told apart: a file that cannot be read, a consent that does not hold, and a file
 * of a kind that this page cannot judge.
 */

/** The file or text cannot be read: no glTF, damaged, or ambiguous. */
export class InputError extends Error {}

/** The file may be sound, but this page lacks the means to look into it. The answer is then "unknown". */
export class CannotJudge extends Error {}

/** A consent that does not allow the use. */
export class RefusedConsent extends Error {
  /**
   * @param {string} state one word, as in the Python package: `altered`, `stripped`, `expired` ...
   * @param {string} reason one sentence for a person
   * @param {{clause?: string, geometry?: string, movedMm?: number, parts?: Record<string, any>}} [found]
   *   path of the field that decides; how the body matched
   */
  constructor(state, reason, found = {}) {
    super(printable(reason));
    this.state = state;
    this.found = found;
  }
}

/**
 * Return text for a message: what a stranger's file put into it cannot steer the reader's eye
 * (control and direction characters are spelled out).
 * @param {string} text
 * @param {number} [limit] longest text that is shown
 */
export function printable(text, limit = 1000) {
  const shown = Array.from(text.slice(0, limit), (char) => {
    if (char === " " || !/[\p{C}\p{Z}]/u.test(char)) return char;
    return "\\u" + char.codePointAt(0).toString(16).padStart(4, "0");
  }).join("");
  return text.length <= limit ? shown : `${shown} ...`;
}
