"""How every chart stands on the page: as wide as it may, calm, with words for those who cannot see it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import altair as alt
import streamlit as st

from dashboard.palette import FAINT, HATCH, UNKNOWN

HATCHED = f"repeating-linear-gradient(135deg,{HATCH} 0 1.2px,{UNKNOWN} 1.2px 5px)"


def place(name: str, chart: alt.Chart, height: int, words: str) -> None:
    """The chart stands on the page; `words` say what it shows."""
    placed = chart.properties(height=height, width="container").configure_view(strokeWidth=0)
    placed = placed.properties(padding={"top": 6, "left": 0, "right": 6, "bottom": 5})
    st.altair_chart(placed, width="stretch", theme="streamlit", key=f"chart:{name}", alt=words)


def legend(entries: Sequence[tuple[str, str]]) -> None:
    """A legend in words: (background, text) each; it wraps on a phone."""
    swatches = "".join(
        f'<span style="display:inline-flex;align-items:center;margin:0 1.1rem .2rem 0;white-space:nowrap">'
        f'<span style="width:1rem;height:1rem;border-radius:3px;margin-right:.4rem;background:{background};'
        f'border:1px solid {HATCH}66"></span>{escape(text)}</span>'
        for background, text in entries
    )
    st.markdown(
        f'<div style="font-size:.85rem;color:{FAINT};display:flex;flex-wrap:wrap">{swatches}</div>',
        unsafe_allow_html=True,
    )
