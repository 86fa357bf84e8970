"""A link to take along: its address and a QR code for a phone's camera."""

from __future__ import annotations

from html import escape
from urllib.parse import urljoin, urlsplit

import segno
import streamlit as st

from dashboard import registry
from dashboard.address import href
from dashboard.language import _

HERE = frozenset({"localhost", "0.0.0.0", "::1"})  # noqa: S104  # compared with, not listened on
CODE_PIXELS_A_CELL = 4


def offer(page: str, title: str, **chosen: str) -> None:
    """The address of a page with these choices, and its QR code, unfold at a press."""
    leads_to = str(registry.choices()["labels_lead_to"])
    address = urljoin(leads_to.rstrip("/") + "/", href(page, **chosen))
    with st.expander(title, icon=":material/qr_code_2:"):
        st.code(address, language=None, wrap_lines=True)
        # An image's background is its own: black on white also where the page is dark.
        code = segno.make_qr(address, error="m").svg_data_uri(scale=CODE_PIXELS_A_CELL, light="white")
        words = _("QR code of this address")
        st.html(f'<img src="{code}" alt="{escape(words)}" style="max-width:100%">')
        host = urlsplit(leads_to).hostname or ""
        if host in HERE or host.startswith("127."):
            st.caption(
                _("This address opens on this machine alone, until Nyttig has one that phones can reach.")
            )
