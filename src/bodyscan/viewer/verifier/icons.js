/**
 * Icons as shapes on a 24 by 24 grid. Each verdict has a shape of its own, so that colour is never needed.
 */

/** @type {Record<string, [string, Record<string, string>][]>} */
export const ICONS = {
  /* A filled circle with a tick. */
  allow: [
    ["circle", { cx: "12", cy: "12", r: "11", class: "fill" }],
    ["path", { d: "M7 12.5l3.4 3.4L17 9", class: "cut" }],
  ],
  /* A filled octagon with a cross. */
  deny: [
    ["path", { d: "M7.4 1h9.2L23 7.4v9.2L16.6 23H7.4L1 16.6V7.4z", class: "fill" }],
    ["path", { d: "M8.2 8.2l7.6 7.6M15.8 8.2l-7.6 7.6", class: "cut" }],
  ],
  /* A filled diamond with a question mark. */
  unknown: [
    ["path", { d: "M12 .8L23.2 12 12 23.2.8 12z", class: "fill" }],
    ["path", { d: "M9.6 9.6a2.4 2.4 0 1 1 3.6 2.1c-.8.5-1.2 1-1.2 1.8", class: "cut" }],
    ["path", { d: "M12 16.6v.1", class: "cut" }],
  ],
  tick: [["path", { d: "M5 12.5l4.6 4.6L19 7.4" }]],
  cross: [["path", { d: "M6 6l12 12M18 6L6 18" }]],
  ask: [
    ["path", { d: "M8.5 9a3.5 3.5 0 1 1 5.2 3.1c-1.2.7-1.7 1.4-1.7 2.6" }],
    ["path", { d: "M12 18.6v.1" }],
  ],
  dash: [["path", { d: "M6 12h12" }]],
  warn: [
    ["path", { d: "M12 4L2.8 20h18.4z" }],
    ["path", { d: "M12 10v4.2M12 17v.1" }],
  ],
};
