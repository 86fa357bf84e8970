"""Simulated homes on a real broker: history as fast as it goes, then live."""

from __future__ import annotations

import heapq
import itertools
import json
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

from nyttig.errors import SettingsError
from nyttig.model import Placement, TrialPackage
from nyttig.settings import Settings
from simulators.days import milliseconds
from simulators.publish import Publisher
from simulators.scenario import Place, Publication, pack_history, places, simulate
from simulators.truth import truths

CLIENT_ID = "nyttig-simulators"
SAVE_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 0.5
OVERLAP = timedelta(seconds=2)
"""So much is sent again when a run goes on; receivers know it by boot_id and seq."""

END_OF_TIME = datetime(9000, 1, 1, tzinfo=UTC)


def utc_now() -> datetime:
    """The time now, aware, in UTC."""
    return datetime.now(UTC)


def run(
    packages: Sequence[TrialPackage],
    settings: Settings,
    *,
    seed: int,
    history_from: datetime | None = None,
    now: Callable[[], datetime] = utc_now,
    live: bool = False,
    until: datetime | None = None,
    speed: float | None = None,
    truth: Path | None = None,
    resume_file: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    municipality: str | None = None,
    liveliness_seconds: float | None = None,
    stop: threading.Event | None = None,
) -> int:
    """Everything that the homes of `packages` say was published and acknowledged; gives the number of messages.

    First the time from `history_from` to now, packed, as fast as the broker takes it; then, with `live`, each
    message at its time, until `until`, `stop`, SIGTERM or Ctrl-C, which all end the run cleanly. `speed` plays
    history in time instead, so many times faster than real time, unpacked. `progress` hears days done and days of
    history in all.

    `resume_file` keeps, per trial, up to when everything was acknowledged; the next run goes on from there, and
    has the history of a trial that the file does not know sent from `history_from`. `truth` is the file that the
    truth is written to, one JSON object a line.

    `liveliness_seconds`: while live, one device of the demo apartments after the other says every so many
    seconds that it is online, which is proof of life and never a use.

    Raises SettingsError for a `resume_file` of another seed and BrokerUnavailableError where the broker is away.
    """
    packages = _without_repeats(packages)
    started = now()
    ends = min(until or END_OF_TIME, END_OF_TIME if live else started)
    journal = _Journal(resume_file, seed, {each.trial.id for each in packages}, history_from or started)
    cutover = min(started, ends)
    began = min((begins for begins, _ in journal.trials.values()), default=started)

    def write_truth(reached: datetime) -> None:
        if truth is not None:
            _write_truth(truth, packages, seed, journal, reached)

    stream: Iterator[Publication] = heapq.merge(
        *(_of_trial(package, seed, municipality, journal, ends) for package in packages),
        key=lambda publication: publication.at,
    )
    write_truth(cutover)
    stop = stop or threading.Event()
    with _ended_by_signals(stop), Publisher(settings.broker(), CLIENT_ID) as publisher:
        sender = _Sender(publisher, journal, now, stop)
        if speed is None:
            past, stream = _split(stream, cutover)
            sender.send_history(past, began, cutover, progress)
        sender.play(
            stream,
            journal.since(began),
            speed,
            _demo_devices(packages, seed),
            liveliness_seconds,
            municipality,
        )
        publisher.drain()
        if not stop.is_set():
            sender.reached = max(sender.reached, min(ends, now()))
        journal.write(sender.reached)
    if live or speed is not None:
        write_truth(sender.reached)
    return sender.published


class _Sender:
    """What has been published, and up to when that is all there is. `reached` never runs ahead of it."""

    def __init__(
        self, publisher: Publisher, journal: _Journal, now: Callable[[], datetime], stop: threading.Event
    ) -> None:
        self.published = 0
        self.reached = journal.reached
        self._publisher = publisher
        self._journal = journal
        self._now = now
        self._stop = stop
        self._saved_at = now()

    def send_history(
        self,
        past: Iterable[Publication],
        began: datetime,
        cutover: datetime,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        """All of `past` was handed over, packed by day, or as much as there was time for before `stop`."""
        days, done = max(1, (cutover - began).days), -1
        for publication in pack_history(past):
            if self._stop.is_set():
                return
            # Within a day the arrays stand topic by topic: only whole days have certainly been sent.
            midnight = publication.at.replace(hour=0, minute=0, second=0, microsecond=0)
            self.reached = max(self.reached, midnight)
            self._publish(publication)
            self._save_now_and_then()
            if progress is not None and (publication.at - began).days > done:
                done = (publication.at - began).days
                progress(min(done, days), days)
        self._publisher.drain()
        self._journal.write(cutover)
        self.reached = cutover
        if progress is not None:
            progress(days, days)

    def play(
        self,
        stream: Iterable[Publication],
        began: datetime,
        speed: float | None,
        lively: list[Place],
        liveliness_seconds: float | None,
        municipality: str | None,
    ) -> None:
        """Each message of `stream` was published at its time: history `speed` times faster, the present as it is."""
        started = self._now()
        turns = itertools.cycle(lively)
        next_turn = started
        for publication in stream:
            due = publication.at
            if speed is not None:
                due = max(due, started + (publication.at - began) / speed)
            while (waiting := (due - self._now()).total_seconds()) > 0 and not self._stop.is_set():
                self._save_now_and_then()
                if lively and liveliness_seconds is not None:
                    waiting = min(waiting, (next_turn - self._now()).total_seconds())
                    if waiting <= 0:
                        next_turn = self._now() + timedelta(seconds=liveliness_seconds)
                        self._say_online(next(turns), municipality)
                self._stop.wait(min(max(waiting, 0), LONGEST_WAIT_SECONDS))
            if self._stop.is_set():
                return
            self._publish(publication)
            self.reached = max(self.reached, publication.at)
            self._save_now_and_then()

    def _say_online(self, place: Place, municipality: str | None) -> None:
        at = milliseconds(self._now())
        if place.simulated.reachable(at):
            text = place.simulated.state("online", at)
            self._publish(Publication(self._now(), place.topic(municipality, "state"), text.encode(), True))

    def _publish(self, publication: Publication) -> None:
        self._publisher.publish(publication.topic, publication.payload, retain=publication.retain)
        self.published += 1

    def _save_now_and_then(self) -> None:
        if (self._now() - self._saved_at).total_seconds() >= SAVE_SECONDS:
            self._publisher.drain()
            self._journal.write(self.reached)
            self._saved_at = self._now()


class _Journal:
    """Per trial, from when its history is and up to when all of it was acknowledged; kept in a file, or nowhere."""

    def __init__(self, path: Path | None, seed: int, trials: set[str], history_from: datetime) -> None:
        self._path = path
        self._seed = seed
        self._known: dict[str, tuple[datetime, datetime]] = {}
        if path is not None and path.exists():
            self._known = _read_journal(path, seed)
        new = (history_from, history_from)
        self.trials = {trial: self._known.get(trial, new) for trial in trials}
        self.reached = min((until for _, until in self.trials.values()), default=history_from)

    def since(self, otherwise: datetime) -> datetime:
        """From when this run has something to send."""
        return min((until for _, until in self.trials.values()), default=otherwise)

    def write(self, until: datetime) -> None:
        """The file says that everything of these trials up to `until` was acknowledged; whole or not at all."""
        if self._path is None:
            return
        trials = {trial: (begins, max(until, before)) for trial, (begins, before) in self.trials.items()}
        body = {
            "seed": self._seed,
            "trials": {
                trial: {"history_from": begins.isoformat(), "acknowledged_until": until.isoformat()}
                for trial, (begins, until) in {**self._known, **trials}.items()
            },
        }
        _write_whole(self._path, [json.dumps(body, indent=1)])


def _read_journal(path: Path, seed: int) -> dict[str, tuple[datetime, datetime]]:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        known = {
            trial: (
                datetime.fromisoformat(times["history_from"]),
                datetime.fromisoformat(times["acknowledged_until"]),
            )
            for trial, times in body["trials"].items()
        }
        written_with = int(body["seed"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(
            f"{path}: is not a file that the simulators wrote ({error!r}); remove it, and the simulation begins anew"
        ) from error
    if written_with != seed:
        raise SettingsError(
            f"{path}: belongs to seed {written_with}, not {seed}; use the seed it was begun with, or remove the "
            "file and begin anew with an empty database"
        )
    return known


def _of_trial(
    package: TrialPackage, seed: int, municipality: str | None, journal: _Journal, ends: datetime
) -> Iterator[Publication]:
    begins, reached = journal.trials[package.trial.id]
    sent_from = None if reached <= begins else reached - OVERLAP
    return simulate(
        package, seed=seed, municipality=municipality, begins=begins, ends=ends, sent_from=sent_from
    )


def _split(
    stream: Iterator[Publication], cutover: datetime
) -> tuple[Iterator[Publication], Iterator[Publication]]:
    """What comes before `cutover`, and, once that has been taken, the rest."""
    first_of_rest: list[Publication] = []

    def before() -> Iterator[Publication]:
        for publication in stream:
            if publication.at >= cutover:
                first_of_rest.append(publication)
                return
            yield publication

    def rest() -> Iterator[Publication]:
        yield from first_of_rest
        yield from stream

    return before(), rest()


def _without_repeats(packages: Sequence[TrialPackage]) -> list[TrialPackage]:
    """The packages, each placement of a device only in the first that has it: a device speaks once."""
    seen: set[Placement] = set()
    found = []
    for package in packages:
        found.append(
            replace(package, placements=tuple(each for each in package.placements if each not in seen))
        )
        seen.update(package.placements)
    return found


def _demo_devices(packages: Iterable[TrialPackage], seed: int) -> list[Place]:
    return [
        place for package in packages for place in places(package, seed) if place.home.site_type == "demo"
    ]


def _write_truth(
    path: Path, packages: Iterable[TrialPackage], seed: int, journal: _Journal, ends: datetime
) -> None:
    _write_whole(
        path,
        (
            truth.as_json()
            for package in packages
            for truth in truths(package, seed=seed, begins=journal.trials[package.trial.id][0], ends=ends)
        ),
    )


def _write_whole(path: Path, lines: Iterable[str]) -> None:
    """`path` holds `lines`; whoever reads meanwhile sees the old file whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    with new.open("w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)
    new.replace(path)


@contextmanager
def _ended_by_signals(stop: threading.Event) -> Iterator[None]:
    """SIGTERM and Ctrl-C set `stop` meanwhile, where signals can be caught (in the main thread)."""

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: signal.signal(each, end) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
