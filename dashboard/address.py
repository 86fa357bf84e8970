"""What the reader chose, kept in the page's address so that it can be bookmarked and sent to a colleague."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple
from urllib.parse import urlencode

import streamlit as st

from dashboard.language import current

Widget = Callable[..., str | None]


class Earlier(NamedTuple):
    """An earlier day (ISO) that a report is asked about, as it was known `then` or is known `now`; None: today."""

    as_of: str | None
    known: str


def earlier() -> Earlier:
    """The earlier day in the address; what is no day is none."""
    try:
        day = date.fromisoformat(st.query_params.get("as-of", ""))
    except ValueError:
        return Earlier(None, "then")
    return Earlier(day.isoformat(), "now" if st.query_params.get("known") == "now" else "then")


def chosen(name: str, options: Sequence[str], default: str) -> str:
    """The option in the address, else the one chosen earlier in this session, else `default`."""
    for candidate in (st.query_params.get(name), st.session_state.get(f"chosen:{name}")):
        if candidate in options:
            return str(candidate)
    return default


def keep(name: str, value: str, *, default: str | None = None) -> None:
    """`value` stands in the address (not where it is the default) and is remembered on the other pages."""
    st.session_state[f"chosen:{name}"] = value
    if value == default:
        if name in st.query_params:
            del st.query_params[name]
    elif st.query_params.get(name) != value:
        st.query_params[name] = value


def href(page: str, **chosen: str) -> str:
    """The address of a page with these choices, in the reader's language, for a link within text."""
    return f"{page}?{urlencode({**chosen, 'lang': current().code})}"


def choose(
    name: str,
    label: str,
    options: Sequence[str],
    titles: Callable[[str], str],
    widget: Widget,
    *,
    default: str,
    hide_default: bool = True,
    **look: object,
) -> str:
    """The option chosen in `widget`, which starts from the address and writes back to it."""
    key = f"widget:{name}"
    value = chosen(name, options, default)
    # The widget's own memory would win over an address that the reader changed: set it only when that happened.
    if st.session_state.get(f"shown:{name}") != value or key not in st.session_state:
        st.session_state[key] = value
    picked = widget(label, options=list(options), format_func=titles, key=key, **look) or default
    st.session_state[f"shown:{name}"] = picked
    keep(name, picked, default=default if hide_default else None)
    return picked


def written(name: str, label: str) -> str:
    """What the reader wrote in a text field, which starts from the address and writes back to it."""
    key, value = f"widget:{name}", st.query_params.get(name, "")
    if st.session_state.get(f"shown:{name}") != value or key not in st.session_state:
        st.session_state[key] = value
    text = st.text_input(label, key=key).strip()
    st.session_state[f"shown:{name}"] = text
    keep(name, text, default="")
    return text
