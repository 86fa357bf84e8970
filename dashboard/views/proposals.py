"""New devices: what is heard and not registered, each accepted with one press. No values: only what it can say."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from dashboard import live, registry
from dashboard.address import choose, written
from dashboard.client import Json
from dashboard.facts import plain
from dashboard.language import _, ngettext, number, parse_moment
from dashboard.registry_words import dialect
from dashboard.sections import proposal

EVERY_SECONDS = 5
CARDS_SHOWN = 20
DISMISSED_SHOWN = 50
ANY = "any"
NOWHERE = "none"


def show() -> None:
    """What was heard and nobody registered stands on the page, what was heard first last."""
    st.title(_("New devices"), anchor=False)
    st.caption(
        _(
            "Heard, but not registered. Accepting one brings in what it has said so far; nothing of it counts anywhere "
            "before."
        )
    )
    _proposed()


@live.refreshed(EVERY_SECONDS)
def _proposed() -> None:
    answer = registry.proposals()
    proposed: list[Json] = answer["proposals"]
    answered = _answered(proposed)
    if not proposed and not answered:
        _say_how()
        _dismissed(set())
        return
    home, trial = _where()
    listed = _filtered([*proposed, *(each["proposal"] for each in answered.values())])
    # What was heard first stays where it is while others come: a button must not move from under a finger.
    listed.sort(key=lambda each: (each["first_seen_at"], each["dialect"], each["address"]), reverse=True)
    now = parse_moment(live.health().get("now")) or datetime.now(UTC)
    technologies = registry.technology_titles()
    count = sum(proposal.name_of(each) not in answered for each in listed)
    if listed:
        st.markdown(ngettext("**{n} device** to accept", "**{n} devices** to accept", count))
    for each in listed[:CARDS_SHOWN]:
        done = answered.get(proposal.name_of(each))
        if done is None:
            proposal.show(each, technologies, now, home=home, trial=trial)
        else:
            proposal.show_answered(each, done)
    if len(listed) > CARDS_SHOWN:
        st.caption(registry.counted(CARDS_SHOWN, len(listed)))
    _say_dropped(answer)
    _dismissed({proposal.name_of(each["proposal"]) for each in answered.values()})


def _answered(proposed: list[Json]) -> dict[str, Json]:
    """What this reader accepted or dismissed since the page was opened and is no longer proposed, by name."""
    listed = {proposal.name_of(each) for each in proposed}
    return {
        name: answer
        for name, answer in registry.answers("proposal:").items()
        if name not in listed and answer.get("status") != "proposed"
    }


def _where() -> tuple[str | None, str | None]:
    """The home and the trial that accepted devices are put into; None where none is chosen."""
    homes = {NOWHERE: _("No home yet")} | registry.home_titles()
    left, right = st.columns(2)
    with left:
        home = choose(
            "site", _("Home where they stand"), list(homes), homes.__getitem__, st.selectbox, default=NOWHERE
        )
    titles = {trial["id"]: trial["title"] for trial in live.trials()}
    own: dict[str, str] = next(
        (each["timezones"] for each in registry.choices()["homes"] if each["home"] == home), {}
    )
    offered = {NOWHERE: _("No trial")} | {
        id_: title for id_, title in titles.items() if id_ in (own or titles)
    }
    with right:
        # Of each home by itself: the trial follows the home.
        trial = st.selectbox(
            _("Trial"),
            list(offered),
            index=1 if own and len(offered) > 1 else 0,
            format_func=offered.__getitem__,
            key=f"trial of {home}",
        )
    return (None if home == NOWHERE else home), (None if trial == NOWHERE else trial)


def _filtered(proposed: list[Json]) -> list[Json]:
    dialects = sorted({each["dialect"] for each in proposed})
    names = {ANY: _("All {n}").format(n=number(len(proposed)))}
    names |= {
        each: f"{dialect(each)} {number(sum(one['dialect'] == each for one in proposed))}"
        for each in dialects
    }
    wanted = written("search", _("Find by make, model, address or what it says"))
    chosen = (
        choose("dialect", _("Dialect"), list(names), names.__getitem__, st.pills, default=ANY)
        if len(dialects) > 1
        else ANY
    )
    listed = [each for each in proposed if chosen in (ANY, each["dialect"]) and _is_wanted(wanted, each)]
    if not listed:
        st.info(_("No new device matches {text}.").format(text=plain(wanted)))
    return listed


def _is_wanted(wanted: str, each: Json) -> bool:
    known = [
        each["make"],
        each["model"],
        each["name"],
        each["address"],
        each["hardware_id"],
        *proposal.words_of(each),
    ]
    return all(part in " ".join(filter(None, known)).casefold() for part in wanted.casefold().split())


def _say_how() -> None:
    st.info(
        _(
            "Nothing new is heard. Put the gateway into pairing mode and the battery into the device, then press its "
            "button: it appears here within seconds. If it does not, ask the person who runs Nyttig whether the "
            "gateway’s topic is among NYTTIG_MQTT_SOURCES (for example zigbee2mqtt=zigbee2mqtt/#) and whether the gateway "
            "sends to the same broker."
        ),
        icon=":material/sensors:",
    )


def _say_dropped(answer: Json) -> None:
    unseen = answer["proposals_total"] - len(answer["proposals"])
    if unseen > 0:
        st.caption(
            ngettext(
                "{n} more that was heard longer ago is not shown.",
                "{n} more that were heard longer ago are not shown.",
                unseen,
            )
        )
    if dropped := sum(answer["dropped_total"].values()):
        st.caption(
            ngettext(
                "{n} address that was hardly heard had to make room.",
                "{n} addresses that were hardly heard had to make room.",
                dropped,
            )
        )


def _dismissed(shown_above: set[str]) -> None:
    dismissed = [
        each
        for each in registry.proposals("dismissed")["proposals"]
        if proposal.name_of(each) not in shown_above
    ]
    if not dismissed:
        return
    with st.expander(_("Dismissed ({n})").format(n=number(len(dismissed))), icon=":material/visibility_off:"):
        for each in dismissed[:DISMISSED_SHOWN]:
            proposal.restore(each)
        if len(dismissed) > DISMISSED_SHOWN:
            st.caption(
                _("The first {shown} of {all}.").format(
                    shown=number(DISMISSED_SHOWN), all=number(len(dismissed))
                )
            )


if __name__ == "__main__":  # Streamlit runs a page as a script
    show()
