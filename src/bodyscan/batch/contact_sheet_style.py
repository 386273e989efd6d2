"""The contact sheet's own style and script. The style comes after that of the report (`render/report_style`).

Each scan is one row of one table. A row is laid out as a grid: as a card, or as a line whose columns all have
set widths. So the browser never measures thousands of cells against one another, and with
`content-visibility` it lays out only what is in view. `N` below is a column's place (see `COLUMNS`).
"""

from __future__ import annotations

CSS = """
main { max-width: 104rem; padding-top: clamp(1rem, 2.5vw, 2.2rem); }
header { margin-bottom: 1.2rem; }
.verdict.warn { color: var(--warn); background: var(--warn-bg); }
.verdict { margin: 0; }
.tiles { margin-top: 1.1rem; grid-template-columns: repeat(auto-fit, minmax(8.9rem, 1fr)); }
.tiles div { padding: .65rem .9rem; }
.tiles dd { font-size: 1.3rem; line-height: 1.35; white-space: nowrap; }
.tiles small { display: block; line-height: 1.4; white-space: normal; }
.synthetic { margin: 1rem 0 0; color: var(--soft); max-width: 62rem; }
.out { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
[hidden] { display: none !important; }

.bar { display: flex; flex-wrap: wrap; gap: .5rem .9rem; align-items: center; height: auto; padding: .6rem 0;
  background: var(--paper); border-radius: 0; }
.bar fieldset { display: inline-flex; margin: 0; padding: 0; border: 1px solid var(--line);
  border-radius: .55rem; background: var(--card); overflow: hidden; }
.bar label { cursor: pointer; }
fieldset label { padding: .38rem .75rem; color: var(--soft); white-space: nowrap;
  border-left: 1px solid var(--line); }
fieldset label:first-of-type { border-left: 0; }
fieldset label:has(:checked) { color: var(--accent); font-weight: 600;
  background: color-mix(in srgb, var(--accent) 12%, transparent); }
fieldset label:has(:focus-visible), .bar :is(select, button, input[type=search]):focus-visible,
th button:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; }
fieldset input { position: absolute; opacity: 0; pointer-events: none; }
fieldset small { font-size: .82em; font-weight: 400; font-variant-numeric: tabular-nums; }
.bar select, .bar button, .bar input[type=search] { font: inherit; color: inherit; background: var(--card);
  border: 1px solid var(--line); border-radius: .55rem; padding: .38rem .7rem; min-height: 2.45rem; }
.bar button { cursor: pointer; min-width: 2.6rem; } .bar button:disabled { cursor: default; opacity: .45; }
.bar input[type=search] { flex: 1 1 8rem; min-width: 7rem; max-width: 22rem; }
.bar .sort { display: inline-flex; gap: .35rem; align-items: center; color: var(--soft); }
.bar output { margin-left: auto; color: var(--soft); font-variant-numeric: tabular-nums; }

table, tbody, thead, td, tbody th { display: block; }
th, td { border: 0; padding: 0; }
th.number, td.number { white-space: normal; padding: 0; }
tbody { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 15rem), 1fr)); }
tbody tr { display: grid; grid-template-columns: repeat(12, 1fr); gap: .45rem .3rem; align-content: start;
  padding: 0 .9rem .9rem; background: var(--card); border: 1px solid var(--line); border-radius: .8rem;
  overflow: hidden; break-inside: avoid; content-visibility: auto; contain-intrinsic-size: auto 34rem; }
tbody tr > * { grid-column: 1 / -1; min-width: 0; }
tbody tr > :nth-child(1) { margin: 0 -.9rem; }
td img { display: block; width: 100%; aspect-ratio: 3 / 4; height: auto; background: var(--line);
  object-fit: contain; object-position: top; }
td a:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; }
.none { display: grid; place-items: center; min-height: 4.6rem; padding: .8rem; text-align: center;
  color: var(--soft); font-size: .9rem; background: var(--paper); border-bottom: 1px solid var(--line); }
.demo { padding: .08rem .35rem; border-radius: .35rem; font-size: .68rem; font-weight: 700;
  letter-spacing: .04em; color: var(--warn); background: var(--warn-bg); vertical-align: .12em; }
tbody th { font-weight: 400; }
tbody th b { font-weight: 640; overflow-wrap: anywhere; }
tbody th span { display: block; color: var(--soft); font-size: .9rem; overflow-wrap: anywhere; }
.is { display: inline-block; white-space: nowrap; padding: .05rem .6rem; border-radius: 1rem;
  font-size: .85rem; font-weight: 600;
  color: var(--soft); background: var(--line); }
.done .is { color: var(--good); background: var(--good-bg); }
.failed .is { color: var(--bad); background: var(--bad-bg); }
.refused .is { color: var(--warn); background: var(--warn-bg); }
.at { display: block; color: var(--soft); font-size: .82rem; }
.said { font-size: .92rem; line-height: 1.45; overflow-wrap: anywhere; white-space: pre-line; }
.failed .said b { color: var(--bad); font-weight: 600; } .refused .said b { color: var(--warn); }
.said details { margin: 0; color: var(--soft); } .said ul { margin: .2rem 0 0; padding-left: 1.1rem; }
.files a { display: inline-block; margin-right: .7rem; color: var(--accent); text-decoration: none; }
.files a:hover { text-decoration: underline; } .files { font-size: .9rem; }
.files small { color: var(--soft); white-space: nowrap; }

main:not(:has(#as-table:checked)) {
  thead { display: none; }
  tbody td:empty, .once { display: none; }
  tbody tr > :nth-child(2) { grid-column: 1 / span 7; }
  tbody tr > :nth-child(3) { grid-column: span 5; text-align: right; }
  .said { order: 1; } .n { order: 2; } .n:nth-child(12) { order: 3; } .files { order: 4; }
  .n { grid-column: span 4; font-size: .95rem; font-weight: 560; line-height: 1.3; white-space: nowrap; }
  .n::before { display: block; color: var(--soft); font-size: .74rem; font-weight: 400; }
  .n::after { color: var(--soft); font-size: .74rem; font-weight: 400; }
  /* Beside pictures it is as tall as they are. */
  tbody tr:not(:has(img, .said)) { grid-template-rows: 1fr auto; align-content: stretch; }
  tbody tr:not(:has(img, .said)) .none { height: 100%; }
}
main:has(#as-table:checked) {
  .list { overflow-x: auto; }
  table { min-width: 64rem; }
  thead tr, tbody tr { display: grid; gap: 0 .8rem; align-items: start; grid-template-columns:
    3.1rem minmax(10rem, 2.4fr) 6rem repeat(2, minmax(3.3rem, 1fr)) minmax(4.2rem, 1fr)
    repeat(4, minmax(3.6rem, 1fr)) minmax(4.6rem, 1.2fr) minmax(2.8rem, .7fr) minmax(4.3rem, 1fr); }
  thead { position: sticky; top: 0; z-index: 1; background: var(--paper);
    border-bottom: 1px solid var(--line); }
  thead th { padding: .35rem 0; align-self: end; font-size: .82rem; line-height: 1.25; }
  tbody { display: block; }
  tbody tr { padding: .5rem 0; border: 0; border-bottom: 1px solid var(--line); border-radius: 0;
    background: none; contain-intrinsic-size: auto 5.1rem; }
  tbody tr > * { grid-column: auto; margin: 0; }
  tbody tr > :nth-child(1) { grid-row: 1 / span 3; }
  td img { border-radius: .3rem; }
  .none { min-height: 4rem; padding: .2rem; border: 1px dashed var(--line); border-radius: .3rem;
    font-size: 0; background: none; }
  .none::before { content: "\\2013"; font-size: 1rem; }
  .n { text-align: right; white-space: nowrap; } .n:empty::before { content: "\\2013"; color: var(--soft); }
  thead .files { display: none; }
  tbody :is(.said, .files) { grid-column: 2 / -1; }
  .said { padding-top: .2rem; max-width: 70rem; }
}
th button { font: inherit; color: inherit; background: none; border: 0; padding: .2rem 0; width: 100%;
  text-align: inherit; cursor: pointer; border-radius: .2rem; }
thead small { display: block; font-size: .9em; opacity: .85; }
th[aria-sort] { color: var(--accent); }
th[aria-sort=ascending] button > span::after { content: " \\2191"; }
th[aria-sort=descending] button > span::after { content: " \\2193"; }
@media (min-width: 50rem) {
  main:not(:has(#as-table:checked)) .bar { position: sticky; top: 0; z-index: 1; }
}
@media (max-width: 34rem) {
  .tiles { gap: .5rem; }
  .tiles div { padding: .45rem .8rem; } .tiles div:last-child:nth-child(odd) { grid-column: 1 / -1; }
  .bar fieldset { width: 100%; } fieldset label { flex: 1; padding: .38rem .3rem; text-align: center; }
  .groups label small { display: block; line-height: 1.1; }
  .bar .sort { flex: 1; } .bar select { flex: 1; min-width: 0; }
  .bar input[type=search] { flex: 1 1 100%; max-width: none; } .bar output { margin: 0; }
  main:not(:has(#as-table:checked)) tbody tr:has(img) {
    grid-template-columns: 7.4rem repeat(12, 1fr); padding: 0; gap: .3rem .3rem; min-height: 9.9rem;
    contain-intrinsic-size: auto 13rem;
    padding-right: .7rem; > * { margin-left: .5rem; } > :is(.said, .files) { grid-column: 2 / -1; }
    > :nth-child(1) { grid-column: 1; grid-row: 1 / span 7; margin: 0; }
    > :nth-child(2) { grid-column: 2 / span 7; } > :nth-child(n + 2):nth-child(-n + 3) { margin-top: .6rem; }
    > .n { font-size: .92rem; } > .n::after { font-size: .7rem; } > .files { margin-bottom: .7rem; }
  }
}
@media print {
  .bar { display: none !important; }
  tbody tr { content-visibility: visible !important; }
  main:not(:has(#as-table:checked)) tbody { grid-template-columns: repeat(4, 1fr); gap: .5rem; }
  main:has(#as-table:checked) { .list { overflow: visible; } table { min-width: 0; font-size: 7pt; }
    thead { position: static; } thead tr, tbody tr { gap: 0 .4rem; grid-template-columns:
      2rem minmax(0, 2fr) 4rem repeat(10, minmax(0, .7fr)); } }
  .files a { color: var(--ink); }
  main:not(:has(#as-table:checked)) .n { font-size: .82rem; }
  main:has(#as-table:checked) :is(.is, .said, .files, .at, th span) { font-size: 7pt; }
}
"""

SCRIPT = """"use strict";
(() => {
  const find = (place) => document.querySelector(place);
  const body = find("#scans tbody"), status = find("#shown"), select = find("#sort");
  const turn = find("#turn"), search = find("#find");
  const heads = [...document.querySelectorAll("#scans th[data-c]")];
  const rows = Array.from(body.rows, (row, place) => ({
    row, place, values: JSON.parse(row.dataset.v), group: row.className.split(" ")[0], text: null,
  }));
  const compare = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" }).compare;
  let column = -1, down = false;

  const textOf = (item) => {
    if (item.text === null) {
      const cells = [1, 2].map((i) => item.row.cells[i]).concat(item.row.querySelector(".said") ?? []);
      item.text = cells.map((cell) => cell.textContent).join(" ").toLowerCase();
    }
    return item.text;
  };
  const filter = () => {
    const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
    const group = find("[name=group]:checked").value;
    let shown = 0;
    for (const item of rows) {
      const fits = (!group || item.group === group) && words.every((word) => textOf(item).includes(word));
      if (item.row.hidden === fits) item.row.hidden = !fits;
      shown += fits;
    }
    status.textContent = shown === rows.length ? `${shown} shown` : `${shown} of ${rows.length} shown`;
  };
  // A scan without the number comes last in both directions; equal ones keep the page's first order.
  const order = (a, b) => {
    const one = a.values[column], two = b.values[column];
    if (one === null || two === null) return (one === null) - (two === null) || a.place - b.place;
    const way = typeof one === "string" ? compare(one, two) : one - two;
    return (down ? -way : way) || a.place - b.place;
  };
  const sort = (to, reverse) => {
    column = to; down = to >= 0 && reverse;
    rows.sort(to < 0 ? (a, b) => a.place - b.place : order);
    // All at once: moving them one by one takes three times as long.
    body.replaceChildren(...rows.map((item) => item.row));
    for (const head of heads) {
      if (Number(head.dataset.c) === to) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    select.value = String(to);
    turn.disabled = to < 0;
    turn.textContent = down ? "\\u2193" : "\\u2191";
    turn.setAttribute("aria-label", down ? "Largest first; turn around" : "Smallest first; turn around");
  };
  let due = 0;
  search.addEventListener("input", () => { clearTimeout(due); due = setTimeout(filter, 120); });
  for (const button of document.querySelectorAll("[name=group]")) button.addEventListener("change", filter);
  select.addEventListener("change", () => sort(Number(select.value), false));
  turn.addEventListener("click", () => sort(column, !down));
  for (const head of heads) {
    const to = Number(head.dataset.c);
    const button = document.createElement("button"), name = document.createElement("span");
    button.type = "button";
    name.append(...head.childNodes);
    button.append(name);
    head.append(button);
    button.addEventListener("click", () => {
      if (column !== to) sort(to, false);
      else if (!down) sort(to, true);
      else sort(-1, false);
    });
  }
  for (const part of document.querySelectorAll(".script")) part.hidden = false;
  // A reload keeps what was chosen in some browsers.
  sort(Number(select.value), false);
  filter();
})();
"""
