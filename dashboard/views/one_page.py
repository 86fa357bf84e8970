"""One page: a trial on one side of paper, to look at and to take along as PDF or HTML."""

from __future__ import annotations

import streamlit as st

from dashboard import live
from dashboard.address import href
from dashboard.facts import plain
from dashboard.language import _
from dashboard.one_page import html, pdf
from dashboard.one_page.content import one_page
from dashboard.sections import asof, which


def show() -> None:
    """The one page of the trial in the address stands on the page, in the reader's language."""
    trial = which.trial(_("One page"))
    if trial is None:
        return
    report = live.report(trial)
    asof.show(report)
    page = one_page(report, live.benefit(trial), live.life_then(trial))
    st.caption(
        _(
            "One side of A4 for those who decide. Each figure is explained on the [benefit page]({where})."
        ).format(where=href("benefit", trial=trial))
    )
    try:
        fit = pdf.fitted(page)
    except pdf.TooMuchError:
        st.warning(
            plain(
                _(
                    "It does not fit on one side: shorten the trial’s title, its harms or the names of its units."
                )
            ),
            icon=":material/content_cut:",
        )
        return
    name = f"{trial}-{page.language}"
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            _("Download as PDF"),
            pdf.written(fit),
            file_name=f"{name}.pdf",
            mime="application/pdf",
            icon=":material/picture_as_pdf:",
            on_click="ignore",
            key="one-page:pdf",
        )
        st.download_button(
            _("Download as HTML"),
            html.written(fit),
            file_name=f"{name}.html",
            mime="text/html",
            icon=":material/html:",
            on_click="ignore",
            key="one-page:html",
        )
    with st.container(border=True):
        st.html(html.body(fit))


if __name__ == "__main__":  # Streamlit runs a page as a script
    show()
