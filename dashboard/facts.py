"""One figure with its name above and how sure it is below."""

from __future__ import annotations

import re
from html import escape

import streamlit as st

from dashboard.palette import FAINT, INK

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!$:~|<>])")


def plain(text: str) -> str:
    """`text` from a trial's own package, so that Markdown shows it letter by letter."""
    return _MARKDOWN.sub(r"\\\1", text)


def fact(label: str, value: str, note: str) -> None:
    """One figure stands on the page; `note` always says what it rests on."""
    st.markdown(
        f'<div style="padding:.2rem 0 .6rem"><div style="font-size:.85rem;color:{FAINT}">{escape(label)}</div>'
        f'<div style="font-size:1.55rem;font-weight:600;line-height:1.25;color:{INK}">{escape(value)}</div>'
        f'<div style="font-size:.85rem;color:{FAINT};line-height:1.35">{escape(note)}</div></div>',
        unsafe_allow_html=True,
    )
