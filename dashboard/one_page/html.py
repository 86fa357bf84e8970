"""The page as HTML: nothing is fetched from anywhere, it is read aloud in its order, and prints on one side of A4."""

from __future__ import annotations

import base64
from html import escape

from dashboard.one_page import picture as pictures
from dashboard.one_page.blocks import Block, Picture, Section, Table
from dashboard.one_page.pdf import Fitted
from dashboard.palette import FAINT, GRID, INK, USED

STYLE = f"""
.one-page {{color: {INK}; background: #fff; line-height: 1.3; overflow-wrap: break-word;
 font-family: "DejaVu Sans Condensed", "Liberation Sans", Arial, Helvetica, sans-serif}}
.one-page h1 {{font-size: 1.7em !important; line-height: 1.2; margin: 0; padding: 0 !important}}
.one-page .about, .one-page .foot, .one-page .span {{color: {FAINT}; margin: 0}}
.one-page .foot {{font-size: .93em; border-top: 1px solid {GRID}; margin-top: .5em; padding-top: .2em}}
.one-page .told {{columns: 2 19em; column-gap: 1.7em; border-top: 1px solid {GRID}; margin-top: .4em}}
.one-page h2 {{font-size: 1.17em !important; line-height: 1.2; margin: .35em 0 .1em; padding: 0 !important;
 color: {USED}; break-after: avoid; break-inside: avoid}}
.one-page p {{margin: 0 0 .22em; break-inside: avoid; font-size: inherit}}
.one-page table {{width: 100%; border-collapse: collapse; margin: 0 0 .4em; break-inside: avoid}}
.one-page td, .one-page th {{border: 0; border-bottom: 1px solid {GRID}; padding: 0 0 0 .7em; text-align: right;
 white-space: nowrap; font-variant-numeric: tabular-nums}}
.one-page td:first-child, .one-page th:first-child {{text-align: left; font-weight: inherit; padding-left: 0;
 white-space: normal}}
@media (max-width: 640px) {{.one-page td {{white-space: normal}}}}
.one-page thead th:first-child {{font-weight: 700}}
.one-page figure {{margin: .3em 0; break-inside: avoid}} .one-page figure > img {{width: 100%; height: auto; display: block}}
.one-page .span {{display: flex; justify-content: space-between}}
.one-page .legend img {{width: .8em; height: .8em; display: inline-block; vertical-align: baseline; margin-right: .3em}}
.one-page .legend span {{margin-right: 1em; white-space: nowrap}}
"""


def body(fit: Fitted) -> str:
    """The page to stand within another: an article with its style."""
    page = fit.page
    sections = "".join(map(_section, page.sections))
    return (
        f'<style>{STYLE}</style><article class="one-page" lang="{page.language}"><h1>{escape(page.title)}</h1>'
        f'<p class="about">{escape(page.about)}</p><div class="told">{sections}</div>'
        f'<p class="foot">{escape(page.foot)}</p></article>'
    )


def written(fit: Fitted) -> bytes:
    """The page as a file of its own."""
    page = fit.page
    printed = (
        "@page {size: A4; margin: 10mm} body {margin: 0} "
        f"@media screen {{body {{max-width: 60rem; margin: 1.5rem auto; padding: 0 1rem}}}} "
        f"@media print {{body {{font-size: {fit.points}pt}}}}"
    )
    return (
        f'<!doctype html>\n<html lang="{page.language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(page.title)}</title>'
        f"<style>{printed}</style></head><body>{body(fit)}</body></html>\n"
    ).encode()


def _section(section: Section) -> str:
    blocks = "".join(map(_block, section.blocks))
    return f"<section><h2>{escape(section.heading)}</h2>{blocks}</section>"


def _block(block: Block) -> str:
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Picture):
        return _picture(block)
    lead = f"<b>{escape(block.lead)}:</b> " if block.lead else ""
    return f"<p>{lead}{escape(block.text)}</p>"


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in table.header)
    rows = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{escape(text)}</td>" for text in row[1:])}</tr>'
        for row in table.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _picture(picture: Picture) -> str:
    legend = "".join(
        f"<span>{_image(pictures.swatch(band))}{escape(band.words)}</span> " for band in picture.bands
    )
    return (
        f"<figure>{_image(pictures.drawn(picture), picture.words)}"
        f'<div class="span" aria-hidden="true"><span>{escape(picture.first)}</span>'
        f'<span>{escape(picture.last)}</span></div><div class="legend">{legend}</div>'
        f"<figcaption>{escape(picture.words)}</figcaption></figure>"
    )


def _image(svg: str, words: str = "") -> str:
    """The drawing within the text: a page of the dashboard shows no SVG of its own, but a picture that holds one."""
    content = base64.b64encode(svg.encode()).decode()
    return f'<img src="data:image/svg+xml;base64,{content}" alt="{escape(words)}">'
