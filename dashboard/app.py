"""The frame around every page: language, navigation, and the line that says how fresh the data is.

Started by Streamlit as a script of its own (`streamlit run dashboard/app.py`).
"""

from __future__ import annotations

import streamlit as st

from dashboard import freshness
from dashboard.address import choose, keep
from dashboard.language import DEFAULT, NAMES, _, preferred

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#00568A"/>'
    '<path d="M7 16 16 8l9 8v9H7z" fill="none" stroke="#fff" stroke-width="2.4"/>'
    '<path d="m12 19 3 3 5-6" fill="none" stroke="#E69F00" stroke-width="2.4"/></svg>'
)

STYLE = """
<style>
.block-container {padding-top: 2.6rem; padding-bottom: 4rem; max-width: 1180px}
@media (max-width: 640px) {.block-container {padding-left: 1rem; padding-right: 1rem}}
[data-testid="stSidebarNav"] {padding-bottom: .5rem}
/* Four English buttons on every chart, each a stop for the keyboard; the table below it has the numbers. */
[data-testid="stFullScreenFrame"]:has([data-testid="stVegaLiteChart"]) [data-testid="stElementToolbar"] {display: none}
h1 {font-size: 1.9rem !important; padding-bottom: .2rem !important}
h2 {font-size: 1.3rem !important; padding-top: 1.6rem !important}
h3 {font-size: 1.05rem !important}
</style>
"""


def main() -> None:
    """One page stands on the screen, in the reader's language, with its frame."""
    with st.sidebar:
        code = choose(
            "lang",
            "Language · Språk · Sprog",
            list(NAMES),
            NAMES.__getitem__,
            st.selectbox,
            default=preferred(st.context.locale) if st.context.locale else DEFAULT,
            hide_default=False,
        )
    st.session_state["language"] = code
    page = st.navigation(
        {
            _("Follow a trial"): [
                st.Page("views/overview.py", title=_("Trials"), default=True),
                st.Page("views/trial.py", title=_("One trial"), url_path="trial"),
                st.Page("views/benefit.py", title=_("Benefit"), url_path="benefit"),
                st.Page("views/life.py", title=_("Life of the trial"), url_path="life"),
                st.Page("views/safety.py", title=_("Safety"), url_path="safety"),
                st.Page("views/one_page.py", title=_("One page"), url_path="one-page"),
            ],
            _("Registering"): [
                st.Page("views/data_in.py", title=_("Data in"), url_path="data"),
                st.Page("views/shift_form.py", title=_("Form of a shift"), url_path="shift"),
                st.Page("views/questionnaire.py", title=_("Questionnaire"), url_path="questionnaire"),
                st.Page("views/entries.py", title=_("Entries"), url_path="entries"),
            ],
            _("Beyond one trial"): [
                st.Page("views/programmes.py", title=_("Programmes"), url_path="programmes"),
                st.Page("views/ideas.py", title=_("Ideas"), url_path="ideas"),
                st.Page("views/ambassadors.py", title=_("Ambassadors"), url_path="ambassadors"),
                st.Page("views/demo_apartment.py", title=_("Demo apartment"), url_path="demo"),
            ],
            _("Devices in homes"): [
                st.Page("views/work.py", title=_("Work list"), url_path="work"),
                st.Page("views/devices.py", title=_("Devices"), url_path="devices"),
                st.Page("views/commissioning.py", title=_("Mount a device"), url_path="commissioning"),
                st.Page("views/proposals.py", title=_("New devices"), url_path="new"),
                st.Page("views/registry.py", title=_("Registry"), url_path="registry"),
            ],
        },
        expanded=True,
    )
    # An icon on a page would be fetched from a font server on the internet; this one is ours.
    st.set_page_config(page_title=f"{page.title} · Nyttig", page_icon=ICON, layout="wide")
    st.markdown(STYLE, unsafe_allow_html=True)
    with st.sidebar:
        st.caption(_("Nyttig shows whether welfare technology on trial is used, and whether it helps."))
    freshness.show()
    page.run()
    keep("lang", code)


if __name__ == "__main__":
    main()
