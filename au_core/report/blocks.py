"""The parts of a report, written once and rendered twice: as Markdown and as one HTML file."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Cells as text; the first column names the row. The caption says what the numbers are and whence."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: bool = True
    """Numbers stand right-aligned and unbroken; words do not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A picture as PNG bytes, kept as ``figures/<name>.png``; a page takes JPEG bytes, too."""

    name: str
    caption: str
    alt: str
    png: bytes


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it; a text is one paragraph, with code between backticks."""

    title: str
    blocks: Sequence[str | Table | Figure]


def markdown(title: str, notice: str, sections: Sequence[Section]) -> str:
    """The report as Markdown, its pictures beside it in ``figures/``."""
    parts = [f"# {title}", f"> {notice}"]
    for section in sections:
        parts += [f"## {section.title}", *map(_markdown_block, section.blocks)]
    return "\n\n".join(parts) + "\n"


def _markdown_block(block: str | Table | Figure) -> str:
    match block:
        case Table():
            align = "---:" if block.numeric else "---"
            line = "| " + " | ".join(["---", *[align] * (len(block.header) - 1)]) + " |"
            head, *rows = (_markdown_row(row) for row in (block.header, *block.rows))
            return "\n".join([block.caption, "", head, line, *rows])
        case Figure():
            return f"![{block.alt}](figures/{block.name}.png)\n\n{block.caption}"
    return block


def _markdown_row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def html(title: str, notice: str, sections: Sequence[Section]) -> str:
    """The report as one HTML file that needs no network: style and pictures are inside."""
    style = files("au_core.report").joinpath("style.css").read_text()
    ids = [re.sub(r"\W+", "-", section.title.lower()) for section in sections]
    links = "".join(
        f'<li><a href="#{i}">{escape(s.title)}</a></li>' for i, s in zip(ids, sections, strict=True)
    )
    body = "\n".join(
        f'<section id="{i}">\n<h2>{escape(s.title)}</h2>\n{"".join(map(_html_block, s.blocks))}</section>'
        for i, s in zip(ids, sections, strict=True)
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f'<header>\n<h1>{escape(title)}</h1>\n<p class="notice">{_inline(notice)}</p>\n'
        f'<nav aria-label="Sections"><ul>{links}</ul></nav>\n</header>\n'
        f"<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _html_block(block: str | Table | Figure) -> str:
    match block:
        case Table():
            return _html_table(block)
        case Figure():
            data = base64.b64encode(block.png).decode()
            kind = "jpeg" if block.png.startswith(b"\xff\xd8") else "png"
            image = f'<img alt="{escape(block.alt)}" src="data:image/{kind};base64,{data}">'
            return f"<figure>{image}<figcaption>{_inline(block.caption)}</figcaption></figure>\n"
    return f"<p>{_inline(block)}</p>\n"


def _html_table(table: Table) -> str:
    head = "".join(f'<th scope="col">{_inline(cell)}</th>' for cell in table.header)
    rows = "\n".join(map(_html_row, table.rows))
    kind = "" if table.numeric else ' class="words"'
    inner = f"<table{kind}><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>"
    return (
        f'<figure><figcaption>{_inline(table.caption)}</figcaption><div class="scroll" tabindex="0" '
        f'role="region" aria-label="table">{inner}</div></figure>\n'
    )


def _html_row(row: tuple[str, ...]) -> str:
    cells = "".join(f"<td>{_inline(cell)}</td>" for cell in row[1:])
    return f'<tr><th scope="row">{_inline(row[0])}</th>{cells}</tr>'


def _inline(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
