"""Recorded messages, sent once more through a broker: as fast as it goes, or in the time of the recording."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from nyttig.settings import Settings
from simulators.publish import Publisher
from simulators.recordings import RecordingError

CLIENT_ID = "nyttig-replay"
PROGRESS_EVERY = 500
LONGEST_TOPIC_BYTES = 65535


class Recorded(NamedTuple):
    """One recorded message: what went over the wire, and when if the recording says so."""

    topic: str
    payload: bytes
    retained: bool
    at: datetime | None


class ReplayResult(NamedTuple):
    """How many messages the broker acknowledged, and how many lines were skipped: no topic, or another dialect."""

    published: int
    skipped: int


def replay(
    paths: Sequence[Path],
    settings: Settings,
    *,
    speed: float | None = None,
    dialect: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> ReplayResult:
    """Every recorded message of the files is acknowledged by the broker, in the order of files and lines.

    speed: gaps between the messages' `at` are divided by it; None sends as fast as the broker acknowledges.
    dialect: send only messages below this dialect's topics (`Settings.mqtt_sources`); the others are skipped.
    progress: called now and then with the number of messages published so far.
    Raises RecordingError at the first line that cannot be sent, saying how many messages went before it, and
    BrokerUnavailableError.
    """
    if speed is not None and not speed > 0:
        raise RecordingError(
            f"speed {speed:g}: write a number above 0; 1 is the recording's own time, 60 a minute a second"
        )
    for path in paths:
        if not path.is_file():
            raise RecordingError(
                f"{path}: there is no such file. Name files of recorded messages (JSON lines)."
            )
    below = _topics_of(dialect, settings)
    published = skipped = 0
    pace = None if speed is None else Pace(speed)
    with Publisher(settings.broker(), CLIENT_ID) as publisher:
        try:
            for recorded in _recorded(paths):
                if recorded is None or not recorded.topic.startswith(below):
                    skipped += 1
                    continue
                if pace is not None and recorded.at is not None:
                    pace.keep(recorded.at)
                publisher.publish(recorded.topic, recorded.payload, retain=recorded.retained)
                published += 1
                if progress is not None and published % PROGRESS_EVERY == 0:
                    progress(published)
        except RecordingError as error:
            publisher.drain()
            raise RecordingError(f"{error} Published before it: {published} messages.") from error
        publisher.drain()
    if progress is not None:
        progress(published)
    return ReplayResult(published, skipped)


def _topics_of(dialect: str | None, settings: Settings) -> tuple[str, ...]:
    """What the topics of a dialect begin with; of no dialect, anything."""
    if dialect is None:
        return ("",)
    sources = settings.sources()
    beginnings = tuple(s.topic_filter.removesuffix("#") for s in sources if s.dialect == dialect)
    if not beginnings:
        known = ", ".join(sorted({source.dialect for source in sources}))
        raise RecordingError(f"dialect {dialect!r}: NYTTIG_MQTT_SOURCES has no such source; it has {known}")
    return beginnings


class Pace:
    """Holds each message back until its time has come: the recording's gaps divided by `speed`.

    Time that goes back (the next file begins) starts a new count without waiting.
    """

    def __init__(
        self,
        speed: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._speed = speed
        self._clock = clock
        self._sleep = sleep
        self._previous: datetime | None = None
        self._origin_at: datetime | None = None
        self._origin_seconds = 0.0

    def keep(self, at: datetime) -> None:
        """The time of a message recorded at `at` has come."""
        if self._origin_at is None or self._previous is None or at < self._previous:
            self._origin_at, self._origin_seconds = at, self._clock()
        self._previous = at
        due = self._origin_seconds + (at - self._origin_at).total_seconds() / self._speed
        wait_seconds = due - self._clock()
        if wait_seconds > 0:
            self._sleep(wait_seconds)


def parse(line: bytes) -> Recorded | None:
    """The recorded message that a line describes; None when it names no topic to send to.

    Raises ValueError saying what is wrong with which value, and what to write instead.
    """
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{_short(line)} is not JSON ({error}); write one object a line") from error
    if not isinstance(fields, dict):
        raise ValueError(f'{_short(line)} is not an object; write {{"topic": …, "payload": …}}')
    payload, retained, at = _payload(fields), fields.get("retained"), fields.get("at")
    if retained is not None and not isinstance(retained, bool):
        raise ValueError(f"retained is {retained!r}; write true or false")
    recorded_at = None if at is None else _time(at)
    topic = fields.get("topic")
    if topic is None:
        topic = fields.get("topic_by_grammar")
        if topic is None or _topic_fault(topic) is not None:
            return None
    fault = _topic_fault(topic)
    if fault is not None:
        raise ValueError(f"topic {topic!r} {fault}; write the topic that the message was published to")
    return Recorded(topic, payload, bool(retained), recorded_at)


def _recorded(paths: Sequence[Path]) -> Iterator[Recorded | None]:
    for path in paths:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    try:
                        yield parse(line)
                    except ValueError as error:
                        raise RecordingError(f"{path}, line {number}: {error}.") from error


def _payload(fields: dict[str, Any]) -> bytes:
    text, digits = fields.get("payload"), fields.get("payload_hex")
    if (text is None) == (digits is None):
        raise ValueError("there must be one of payload and payload_hex; write one of them")
    if text is not None:
        if not isinstance(text, str):
            raise ValueError(f"payload is {_short(text)}; write the text that was sent, as one string")
        try:
            return text.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"payload {_short(text)} is not text ({error.reason}); write it as payload_hex"
            ) from error
    try:
        return bytes.fromhex(str(digits))
    except ValueError as error:
        raise ValueError(
            f"payload_hex {_short(digits)} is not hexadecimal; write two digits a byte"
        ) from error


def _time(at: object) -> datetime:
    remedy = "write a time with offset like 2026-11-22T07:58:03+01:00"
    try:
        moment = datetime.fromisoformat(at) if isinstance(at, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.utcoffset() is None:
        raise ValueError(f"at is {at!r}; {remedy}")
    return moment


def _topic_fault(topic: object) -> str | None:
    if not isinstance(topic, str) or not topic:
        return "is no text"
    if any(letter in topic for letter in "+#\0"):
        return "holds a wildcard or a NUL"
    try:
        size = len(topic.encode())
    except UnicodeEncodeError:
        return "is not valid text"
    return "is too long" if size > LONGEST_TOPIC_BYTES else None


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"
