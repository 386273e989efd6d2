"""Pieces of the report's page. Everything that is given as text is escaped here and nowhere else."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

from bodyscan.mark import LabelOptions, MarkInfo, encode_marked
from bodyscan.render.report_pictures import Picture
from bodyscan.render.report_style import CSS

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_LABELS = {
    "": LabelOptions("top-left", 0.029),
    "two": LabelOptions("top-left", 0.027),
    "four": LabelOptions("bottom-left", 0.042),
}
"""By gallery: the smaller its pictures stand on the page, the larger their labels."""


def page(title: str, body: Iterable[str]) -> str:
    """The whole document; the policy forbids scripts and anything from elsewhere."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="robots" content="noindex">\n<title>{escape(title)}</title>\n<style>{CSS}</style>\n'
        "</head>\n<body>\n<main>\n" + "\n".join(body) + "\n</main>\n</body>\n</html>\n"
    )


def section(heading: str, intro: str, *content: str) -> str:
    """A heading with its content, or nothing where all content is empty."""
    inner = "\n".join(part for part in content if part)
    if not inner:
        return ""
    lead = f"\n<p>{escape(intro)}</p>" if intro else ""
    name = "".join(c if c.isalnum() else "-" for c in heading.lower())
    return (
        f'<section aria-labelledby="{escape(name)}">\n<h2 id="{escape(name)}">{escape(heading)}</h2>'
        f"{lead}\n{inner}\n</section>"
    )


def gallery(pictures: Sequence[Picture], info: MarkInfo, kind: str = "") -> str:
    """Figures side by side, each picture labelled, marked and embedded."""
    if not pictures:
        return ""
    figures = [figure(picture, info, _LABELS[kind]) for picture in pictures]
    return f'<div class="gallery {escape(kind)}">\n' + "\n".join(figures) + "\n</div>"


def figure(picture: Picture, info: MarkInfo, label: LabelOptions) -> str:
    """One picture as a data address, with its caption and alternative text."""
    data = encode_marked(
        picture.image,
        info,
        file_format="JPEG",
        source_type=picture.source_type,
        label=label,
        avoid=picture.avoid,
    )
    height, width = picture.image.shape[:2]
    return (
        f'<figure><img src="data:image/jpeg;base64,{base64.b64encode(data).decode()}" '
        f'width="{width}" height="{height}" alt="{escape(picture.alt)}">'
        f"<figcaption>{escape(picture.caption)}</figcaption></figure>"
    )


def tiles(items: Iterable[tuple[str, str, str]]) -> str:
    """Large numbers: (name, number, unit or remark)."""
    cells = "\n".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(number)} <small>{escape(unit)}</small></dd></div>"
        for name, number, unit in items
    )
    return f'<dl class="tiles">\n{cells}\n</dl>'


def bullets(lines: Iterable[str], kind: str = "plain") -> str:
    """A list, or nothing where there are no lines."""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<ul class="{escape(kind)}">{items}</ul>' if items else ""


def facts(items: Iterable[tuple[str, str]]) -> str:
    """Names and what they are; empty values are left out."""
    rows = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in items if v)
    return f'<dl class="facts">{rows}</dl>' if rows else ""


def table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = (1,)) -> str:
    """A table; the first column names the row, the columns in `numbers` are set to the right."""
    if not rows:
        return ""

    def number(column: int) -> str:
        return ' class="number"' if column in numbers else ""

    def cell(column: int, text: str) -> str:
        kind = number(column)
        if column == 0:
            return f'<th scope="row"{kind}>{escape(text)}</th>'
        return f"<td{kind}>{escape(text)}</td>"

    titles = "".join(f'<th scope="col"{number(i)}>{escape(t)}</th>' for i, t in enumerate(head))
    body = "\n".join("<tr>" + "".join(cell(i, t) for i, t in enumerate(row)) + "</tr>" for row in rows)
    return (
        f'<div class="wide"><table><thead><tr>{titles}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>'
    )


def time_bars(rows: Sequence[tuple[str, float, str]]) -> str:
    """Stages with their seconds, each with a bar as long as its share: (name, seconds, remark)."""
    if not rows:
        return ""
    longest = max(max(seconds for _, seconds, _ in rows), 1e-9)
    body = "\n".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="number">{seconds:.1f} s</td>'
        f'<td class="track" aria-hidden="true"><span class="bar" '
        f'style="width:{max(0.0, 100 * seconds / longest):.1f}%"></span></td><td>{escape(remark)}</td></tr>'
        for name, seconds, remark in rows
    )
    head = (
        '<tr><th scope="col">Stage</th><th scope="col" class="number">Time</th>'
        '<td aria-hidden="true"></td><th scope="col">Remark</th></tr>'
    )
    return f'<div class="wide"><table><thead>{head}</thead>\n<tbody>\n{body}\n</tbody></table></div>'


def more(summary: str, *content: str) -> str:
    """Content that is folded away."""
    inner = "\n".join(part for part in content if part)
    return f"<details><summary>{escape(summary)}</summary>\n{inner}\n</details>" if inner else ""
