"""The reader's language: words from the gettext catalogues, numbers and times as its country writes them.

The catalogues are read from their .po files, so that what a translator edits is what is shown.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import streamlit as st
from babel import Locale
from babel.dates import format_date, format_skeleton, format_timedelta
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, format_percent
from babel.support import NullTranslations, Translations

NAMES = {"en": "English", "nb": "Norsk", "da": "Dansk"}
LOCALES = {"en": "en_GB", "nb": "nb_NO", "da": "da_DK"}
DEFAULT = "en"
CATALOGUES = Path(__file__).with_name("locale")
MINUS = "−"

_READING: ContextVar[str | None] = ContextVar("reading", default=None)


@dataclass(frozen=True, slots=True)
class Language:
    """One language: `code` is its key in NAMES, `locale` how its country writes numbers and days."""

    code: str
    locale: Locale
    translations: NullTranslations


@lru_cache
def language(code: str) -> Language:
    """The language called `code`, its catalogue read. English is what stands in the code."""
    locale = Locale.parse(LOCALES[code])
    if code == DEFAULT:
        return Language(code, locale, NullTranslations())
    catalogue = Catalog(locale=code)
    for path in sorted((CATALOGUES / code / "LC_MESSAGES").glob("*.po")):
        with path.open("rb") as file:
            part = read_po(file, locale=code)
        for message in part:
            if message.id:
                catalogue[message.id] = message
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Language(code, locale, Translations(compiled))


def current() -> Language:
    """The language that is read in, else that of the reader whose page is being made."""
    return language(_READING.get() or st.session_state.get("language", DEFAULT))


@contextmanager
def reading(code: str) -> Iterator[None]:
    """Within it everything is told in the language called `code`, also where there is no page and no reader."""
    before = _READING.set(code)
    try:
        yield
    finally:
        _READING.reset(before)


def preferred(browser_locale: str | None) -> str:
    """The code of the language a browser asks for: nb for any Norwegian, da for Danish, else English."""
    primary = (browser_locale or "").replace("_", "-").split("-")[0].lower()
    return {"nb": "nb", "no": "nb", "nn": "nb", "da": "da"}.get(primary, DEFAULT)


def _(text: str) -> str:
    """`text` in the reader's language."""
    return str(current().translations.gettext(text))


def ngettext(one: str, many: str, count: int) -> str:
    """The form that `count` asks for, in the reader's language, with `{n}` filled in."""
    return str(current().translations.ngettext(one, many, count)).format(n=number(count))


def titled(titles: dict[str, str] | None, fallback: str) -> str:
    """The title for the reader's language, else any there is."""
    titles = titles or {}
    return titles.get(current().code) or titles.get(DEFAULT) or next(iter(titles.values()), fallback)


def number(value: float | None, decimals: int = 0) -> str:
    """`value` with that many decimals at most, e.g. 1,234.5 or 1 234,5; a dash where there is none."""
    if value is None:
        return "–"
    pattern = "#,##0." + "#" * decimals if decimals else "#,##0"
    return str(format_decimal(rounded(value, decimals) + 0.0, format=pattern, locale=current().locale))


def rounded(value: float, decimals: int) -> float:
    """`value` as people round it: 3.25 is 3.3, so that 2.5 and 0.75 more are what a reader adds up to."""
    return float(Decimal(str(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP))


def signed(value: float | None, decimals: int = 1) -> str:
    """`value` with its sign always written: +3.2 or −3.2."""
    if value is None:
        return "–"
    text = number(abs(value), decimals)
    if rounded(value, decimals) == 0:
        return text
    return ("+" if value > 0 else MINUS) + text


def percent(ratio: float | None) -> str:
    """A ratio 0..1 as a whole percentage; 99.6 % is not rounded up to all, nor 0.4 % down to none."""
    if ratio is None:
        return "–"
    shown = rounded(ratio, 2)
    if shown >= 1 > ratio:
        return ">" + _percentage(0.99)
    if shown <= 0 < ratio:
        return "<" + _percentage(0.01)
    return _percentage(shown)


def _percentage(ratio: float) -> str:
    return str(format_percent(ratio, locale=current().locale))


def percent_range(low: float | None, high: float | None) -> str:
    """Two ratios 0..1 as one range: 47–91 %."""
    if low is None or high is None:
        return "–"
    return f"{number(low * 100)}–{percent(rounded(high, 2))}"


def between(low: float | None, high: float | None, decimals: int = 1) -> str:
    """An interval of signed numbers in words: −5.8 to −0.6."""
    return _("{low} to {high}").format(low=signed(low, decimals), high=signed(high, decimals))


def money(value: float, currency: str) -> str:
    """An amount without decimals, with its currency."""
    return str(
        format_currency(
            value, currency, format="¤¤ #,##0;¤¤ −#,##0", locale=current().locale, currency_digits=False
        )
    )


def parse_day(text: str | None) -> date | None:
    """The day that an ISO date or time of the API names."""
    return date.fromisoformat(text[:10]) if text else None


def parse_moment(text: str | None) -> datetime | None:
    """The moment that an ISO time of the API names."""
    return datetime.fromisoformat(text) if text else None


def day(value: date | None) -> str:
    """A day in full: 3 Nov 2026."""
    return "–" if value is None else str(format_date(value, "medium", locale=current().locale))


def short_day(value: date) -> str:
    """A day without its year: 3 Nov."""
    return str(format_skeleton("MMMd", value, locale=current().locale))


def month(iso: str) -> str:
    """A calendar month of the API (2026-11) in words: November 2026."""
    first = date.fromisoformat(f"{iso}-01")
    return sentence(str(format_date(first, "LLLL y", locale=current().locale)))


def moment(value: datetime | None, timezone: str | None = None) -> str:
    """A day and time, in `timezone` where one is given: 3 Nov 2026, 07:58."""
    if value is None:
        return "–"
    if timezone:
        value = value.astimezone(ZoneInfo(timezone))
    return f"{day(value)}, {value:%H:%M}"


def ago(seconds: float) -> str:
    """How long ago: 12 seconds ago, 3 days ago."""
    return str(
        format_timedelta(
            timedelta(seconds=-max(1, round(seconds))),
            add_direction=True,
            threshold=1.0,
            locale=current().locale,
        )
    )


def sentence(text: str) -> str:
    """`text` with a capital letter to begin with."""
    return text[:1].upper() + text[1:]


def within(text: str) -> str:
    """`text` as it stands within a sentence: its first letter small."""
    return text[:1].lower() + text[1:]


def lasting(seconds: float) -> str:
    """How long: 12 seconds, 3 days."""
    return str(
        format_timedelta(timedelta(seconds=max(1, round(seconds))), threshold=1.0, locale=current().locale)
    )
