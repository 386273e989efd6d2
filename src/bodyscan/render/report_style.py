"""The report's style sheet: light and dark, phone and print, no font or file from elsewhere."""

from __future__ import annotations

CSS = """
:root {
  color-scheme: light dark;
  --paper: #fafafa; --card: #ffffff; --ink: #1f2328; --soft: #5b626c; --line: #e3e5e8;
  --good: #1a7f4b; --good-bg: #e6f4ec; --warn: #9a5b00; --warn-bg: #fdf1dc;
  --bad: #b3261e; --bad-bg: #fbe9e7; --accent: #2b5fa8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15171a; --card: #1d2024; --ink: #e8eaed; --soft: #a0a7b1; --line: #30343a;
    --good: #6fd39d; --good-bg: #16301f; --warn: #f0bd6a; --warn-bg: #33270f;
    --bad: #f2a29b; --bad-bg: #3a1a18; --accent: #8ab4f0;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 74rem; margin: 0 auto; padding: clamp(1rem, 3vw, 3rem) clamp(1rem, 4vw, 2.5rem); }
header { margin-bottom: 1.75rem; }
.over { margin: 0; color: var(--soft); font-size: .8rem; letter-spacing: .09em; text-transform: uppercase; }
h1 { margin: .15rem 0 .6rem; font-size: clamp(1.6rem, 4.5vw, 2.5rem); line-height: 1.15;
  font-weight: 650; letter-spacing: -.02em; overflow-wrap: anywhere; }
h2 { margin: 3rem 0 .3rem; font-size: 1.3rem; font-weight: 620; letter-spacing: -.01em; }
h2 + p { margin: 0 0 1rem; color: var(--soft); max-width: 46rem; }
.verdict { display: inline-flex; gap: .55rem; align-items: center; padding: .35rem .9rem .35rem .7rem;
  border-radius: 2rem; font-weight: 600; }
.verdict::before { content: ""; width: .6rem; height: .6rem; border-radius: 50%; background: currentColor; }
.good { color: var(--good); background: var(--good-bg); }
.bad { color: var(--bad); background: var(--bad-bg); }
.meta { margin: .8rem 0 0; color: var(--soft); }
.reasons, .warnings { margin: 1rem 0 0; padding: .8rem 1rem .8rem 2.1rem; border-radius: .6rem; }
.reasons { background: var(--bad-bg); } .warnings { background: var(--warn-bg); }
.reasons li::marker { color: var(--bad); } .warnings li::marker { color: var(--warn); }
.gallery { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr)); }
.gallery.two { max-width: 50rem; }
.gallery.four { grid-template-columns: repeat(auto-fit, minmax(min(100%, 13rem), 1fr)); }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: .8rem;
  overflow: hidden; break-inside: avoid; }
figure img { display: block; width: 100%; height: auto; }
figcaption { padding: .6rem .9rem .7rem; font-weight: 560; }
.tiles { display: grid; gap: .8rem; margin: 1.4rem 0 0; padding: 0;
  grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); }
.tiles div { background: var(--card); border: 1px solid var(--line); border-radius: .8rem;
  padding: .8rem 1rem; break-inside: avoid; }
.tiles dt { color: var(--soft); font-size: .85rem; }
.tiles dd { margin: 0; font-size: 1.45rem; font-weight: 620; letter-spacing: -.01em;
  font-variant-numeric: tabular-nums; }
.tiles small { font-size: .85rem; font-weight: 400; color: var(--soft); }
.wide { overflow-x: auto; }
.columns { columns: 2 22rem; column-gap: 2rem; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .42rem .8rem .42rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
thead th { color: var(--soft); font-size: .85rem; font-weight: 500; }
tbody th { font-weight: 450; min-width: 5.5rem; }
td.number, th.number { text-align: right; white-space: nowrap; padding-right: 1.2rem; }
.bar { display: block; height: .5rem; min-width: 2px; border-radius: .25rem; background: var(--accent); }
td.track { width: 40%; padding-top: .95rem; }
ul.plain { padding-left: 1.2rem; }
dl.facts { display: grid; margin: 0; gap: .4rem 1.2rem;
  grid-template-columns: minmax(8rem, max-content) 1fr; }
dl.facts dt { color: var(--soft); } dl.facts dd { margin: 0; overflow-wrap: anywhere; }
code { font: .9em ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
details { margin-top: 1rem; } summary { cursor: pointer; color: var(--accent); }
footer { margin-top: 3.5rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft);
  font-size: .9rem; }
@media (max-width: 34rem) {
  dl.facts { grid-template-columns: 1fr; gap: 0; } dl.facts dd { margin-bottom: .6rem; }
  .tiles { grid-template-columns: 1fr 1fr; }
}
@media print {
  :root { --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #ccc; }
  body { font-size: 10pt; } main { max-width: none; padding: 0; }
  .gallery { grid-template-columns: repeat(3, 1fr); } .gallery.two { grid-template-columns: repeat(2, 1fr); }
  .gallery.four { grid-template-columns: repeat(4, 1fr); }
  h2 { break-after: avoid; margin-top: 1.6rem; } tr { break-inside: avoid; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
"""
