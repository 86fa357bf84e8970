"""Settings: read whole or refused with the variable, its value and the remedy, and never a password in the open."""

from __future__ import annotations

import contextlib
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nyttig.errors import SettingsError
from nyttig.settings import PG_VARIABLES, Broker, Settings, Source

VARIABLES = (
    "NYTTIG_MQTT_URL",
    "NYTTIG_MQTT_CLIENT_ID",
    "NYTTIG_MQTT_SOURCES",
    "NYTTIG_API_URL",
    "PGPASSWORD",
    "PGHOST",
)
texts = st.text(max_size=40)
addresses = st.one_of(
    texts,
    st.builds(
        "{}{}{}{}{}".format,
        st.sampled_from(["mqtt://", "mqtts://", "http://", "mqtt:", "//", ""]),
        st.sampled_from(["", "user@", "user:pass@", "user:p%40ss@", ":@"]),
        st.sampled_from(["host", "[::1]", "[::1", "::1", "", "10.0.0.1", "hos\u2100t"]),
        st.sampled_from(["", ":1883", ":0", ":99999", ":-1", ":x", ":"]),
        st.sampled_from(["", "/", "/path", "?a=b", "#c"]),
    ),
)


def broker(url: str) -> Broker:
    return Settings.from_environment({"NYTTIG_MQTT_URL": url}).broker()


def test_without_any_variable_everything_is_on_this_machine() -> None:
    settings = Settings.from_environment({})
    assert settings.broker() == Broker("127.0.0.1", 1883, False, None, None)
    assert settings.api_url == "http://127.0.0.1:8000"
    assert settings.sources() == (Source("nyttig", "wt/v1/#"), Source("zigbee2mqtt", "zigbee2mqtt/#"))


def test_an_empty_variable_counts_as_unset() -> None:
    assert Settings.from_environment(dict.fromkeys(VARIABLES, "")) == Settings.from_environment({})


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://broker", Broker("broker", 1883, False, None, None)),
        ("mqtts://broker", Broker("broker", 8883, True, None, None)),
        ("mqtts://broker:18883/", Broker("broker", 18883, True, None, None)),
        ("mqtt://ingest:secret@broker:1884", Broker("broker", 1884, False, "ingest", "secret")),
        ("mqtt://ingest:a%2Fb%40c@[::1]:1884", Broker("::1", 1884, False, "ingest", "a/b@c")),
        ("mqtt://ingest:with@sign@broker", Broker("broker", 1883, False, "ingest", "with@sign")),
    ],
)
def test_a_brokers_address_is_taken_apart(url: str, expected: Broker) -> None:
    assert broker(url) == expected


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20))
def test_any_password_reaches_the_broker_percent_encoded(password: str) -> None:
    assert broker(f"mqtt://u:{quote(password, safe='')}@broker").password == password


@pytest.mark.parametrize(
    "url",
    [
        "broker:1883",
        "http://broker",
        "mqtt://",
        "mqtt://broker:x",
        "mqtt://broker:70000",
        "mqtt://[::1",
        "mqtt://b/path",
    ],
)
def test_what_is_no_brokers_address_is_refused_with_its_value_and_the_remedy(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        broker(url)
    assert f"NYTTIG_MQTT_URL={url!r}" in str(refused.value)
    assert "mqtt://user:password@host:1883" in str(refused.value)


@pytest.mark.parametrize("sources", ["nyttig", "nyttig=", "=wt/#", "nyttig=wt/#,,", " "])
def test_sources_that_name_no_dialect_or_topic_are_refused_with_the_part_that_is_wrong(sources: str) -> None:
    with pytest.raises(SettingsError, match=r"NYTTIG_MQTT_SOURCES=.*for example zigbee2mqtt=zigbee2mqtt/#"):
        Settings.from_environment({"NYTTIG_MQTT_SOURCES": sources})


@given(addresses)
@example("mqtt://u:p@[::1")
@example("mqtt://u:p@ho\u2100st")
def test_an_address_is_read_or_refused_and_nothing_else(url: str) -> None:
    with contextlib.suppress(SettingsError):
        read = Broker.from_url(url)
        assert read.host
        assert 1 <= read.port <= 65535


@given(st.dictionaries(st.sampled_from(VARIABLES), st.one_of(addresses, st.just("nyttig=wt/#,other=x/#"))))
def test_an_environment_is_read_or_refused_and_what_is_read_can_be_described(
    environment: dict[str, str],
) -> None:
    with contextlib.suppress(SettingsError):
        settings = Settings.from_environment(environment)
        assert dict(settings.described()).keys() >= set(VARIABLES)


# Capitals and signs that stand nowhere else in what is said.
secrets = st.text("QXZW/#?@:%[", min_size=6, max_size=20).filter(
    lambda text: len(set(text) & set("QXZW")) >= 2
)


def letters(secret: str) -> list[str]:
    return [run for run in "".join(c if c in "QXZW" else " " for c in secret).split() if len(run) >= 2]


@given(
    secrets,
    st.sampled_from(["mqtt://", "mqtts://", "http://", ""]),
    st.sampled_from(["host", "host:x", "[::1", ""]),
)
@example("(QQXX", "mqtt://", "host")
@example("//??QW", "", "host")
def test_no_password_is_ever_shown(secret: str, scheme: str, host: str) -> None:
    url = f"{scheme}user:{secret}@{host}"
    try:
        settings = Settings.from_environment(
            {"NYTTIG_MQTT_URL": url, "PGPASSWORD": secret, "NYTTIG_API_URL": url}
        )
        told = repr(settings.described())
    except SettingsError as error:
        told = f"{error} {error.__cause__}"
    assert not [part for part in letters(secret) if part in told]


def test_ours_are_described_first_and_then_what_libpq_is_told_or_decides_itself() -> None:
    environment = {"PGHOST": "db", "PGPASSWORD": "(secret", "NYTTIG_MQTT_URL": "mqtt://u:p@h"}
    described = Settings.from_environment(environment).described()
    ours, libpq = described[: -len(PG_VARIABLES)], described[-len(PG_VARIABLES) :]
    assert ("NYTTIG_MQTT_URL", "mqtt://u:****@h") in ours
    assert ("NYTTIG_API_URL", "http://127.0.0.1:8000") in ours
    assert all(name.startswith("NYTTIG_") for name, _ in ours)
    set_here = {"PGHOST": "db", "PGPASSWORD": "****"}
    assert libpq == [(name, set_here.get(name, "(libpq's default)")) for name in PG_VARIABLES]
