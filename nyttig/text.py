"""What the command line prints: the same figures as everywhere, as text or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from nyttig.figures.adoption import UseDayRate
from nyttig.figures.intervals import Share
from nyttig.figures.setting import SettingAdoption
from nyttig.folding import Misfolded
from nyttig.gains import GainFigures
from nyttig.health import words
from nyttig.health.assess import Health
from nyttig.health.visits import WorkList
from nyttig.proposed import Proposals
from nyttig.report import Report
from nyttig.store.counters import Miscounted
from nyttig.store.gaps import Misplaced
from nyttig.store.ledger import Entry, Miscount, Unbooked
from nyttig.store.quarantine import Kept, QuarantineGroup
from nyttig.store.rollups import Difference


def as_json(content: object) -> str:
    """`content` as indented JSON, each number as short as it can be read back exactly."""
    return orjson.dumps(content, _fields, orjson.OPT_INDENT_2).decode()


def _fields(row: Any) -> dict[str, Any]:
    return row._asdict()  # type: ignore[no-any-return]  # what orjson does not know here are rows of the store


def report(made: Report) -> str:
    """A report as a coordinator would read it aloud."""
    trial, funnel = made.trial, made.funnel
    lines = [
        f"{trial.title} ({trial.id})",
        f"{trial.programme or 'no programme'} · {', '.join(trial.units)} · {trial.technology} ({trial.usage_class})",
        (f"{made.first_day} to {made.last_day}, as of {made.as_of.isoformat(timespec='seconds')},"
        f" definitions {made.definitions_version}"),
        "",
        "homes        " + " → ".join(f"{step.step} {step.homes}" for step in funnel.steps)
        + (f"; ended: {', '.join(f'{reason} {n}' for reason, n in funnel.ended.items())}" if funnel.ended else ""),
        "use-day rate " + _rate(made.use_day_rate),
        "all days     " + _rate(made.use_day_rate_all_days) + " (with the first days of each home)",
        f"coverage     {_percent(made.coverage.ratio)} of {made.coverage.exposed_minutes} exposed minutes online",
        (f"intensity    {_number(made.intensity.uses_per_used_day)} uses per day of use,"
        f" {_number(made.intensity.uses_per_home_week)} per home-week, {made.intensity.uses_total} in all"
        + _recovered(made.intensity.recovered_uses)),
    ]  # fmt: skip
    if made.participation is not None:
        due = made.participation.steady
        lines.append(
            f"done in time {_share(due.done)} of what was due while observed; late {due.late}, missed {due.missed},"
            f" unknown {due.unknown}, excused {due.excused}"
        )
    lines += [*_staying(made), _setting(made.setting)]
    week = made.last_complete_week
    if week is not None:
        lines.append(
            f"{week.iso_week}     {_share(week.active)} of observed homes active, {_share(week.regular)} regular; homes used"
            f" {week.homes_used}, unused {week.homes_unused}, unknown {week.homes_unknown}, paused {week.homes_paused}"
            + _recovered(week.recovered_uses)
        )
    lines += [_gain(gain) for gain in made.gains]
    net = made.net_minutes
    if net.homes:
        lines.append(
            f"net time     {_number(net.net_minutes)} min per home-week over {_counted(net.homes, 'home')} (visits"
            f" {_number(net.visit_minutes_before)} → {_number(net.visit_minutes_after)}, new work"
            f" {_number(net.new_work_minutes)}); {_number(net.hours_per_year)} h per home-year, annualised"
        )
    for silence in made.silences:
        ended = silence.to_at.isoformat(timespec="minutes") if silence.to_at else "now"
        lines.append(
            f"silence      {silence.home}: none of {silence.devices} devices heard for {silence.hours:.1f} h,"
            f" {silence.from_at.isoformat(timespec='minutes')} to {ended}"
        )
    lines += ["", "home          U used  u used, little observed  N unused  K unknown  E paused  - out"]
    for home in made.homes:
        lines.append(f"{home.home:13} {home.states}")
        if home.lossy_on:
            lost = {(day - home.first_day).days for day in home.lossy_on}
            lines.append(" " * 14 + "".join("!" if n in lost else " " for n in range(max(lost) + 1)))
    if any(home.lossy_on for home in made.homes):
        lines.append("! below a day: messages of that day were lost on the way; a use may be among them")
    return "\n".join(lines)


def devices(health: Health, now: datetime) -> str:
    """What is silent as a whole, then a line a device, worst first, with what is wrong with it."""
    lines = [
        f"gateway {one.gateway} ({', '.join(one.units)}): all {one.devices} devices in {_counted(len(one.sites), 'home')} silent"
        f" since {_ago(one.since, now)}"
        for one in health.silent_gateways
    ]
    lines += [
        f"site {site.site} ({site.unit}): all {site.devices} devices silent since {_ago(site.since, now)}"
        for site in health.silent_sites
    ]
    lines += [
        f"{one.status:15} {one.device:24} {one.site:28} {one.technology:20} last seen {_ago(one.last_seen_at, now)}"
        + (
            f", battery {one.battery_pct:.0f} % ({_ago(one.battery_at, now)})"
            if one.battery_pct is not None
            else ""
        )
        + (
            f", {_counted(one.lost_messages, 'message')} never came since {one.lost_since:%Y-%m-%d}"
            if one.lost_since
            else ""
        )
        + (f", behind {one.behind}" if one.behind else "")
        + "".join(
            f"\n    {words.STATUS[finding.kind]}: {words.because(finding.kind, finding.evidence, now)};"
            f" {words.REMEDY[finding.remedy]}"
            for finding in one.findings
            if not one.behind
        )
        for one in health.devices
    ]
    return "\n".join(lines) or "no devices are placed anywhere; load a trial with `nyttig load FOLDER`"


def work(found: WorkList, now: datetime) -> str:
    """The homes to visit, most urgent first: why, and what to bring."""
    lines = [words.task(one.task, now) + f" (homes {', '.join(one.sites)})" for one in found.gateways]
    for visit in found.visits:
        urgency = {"urgent": "now", "visit": "soon"}.get(visit.severity, "when somebody is there anyway")
        lines.append(f"{visit.site} ({visit.unit}): {urgency}, since {_ago(visit.since, now)}")
        lines += [f"    {words.task(one, now)}" for one in visit.tasks]
        if visit.bring:
            lines.append(f"    bring {words.bring(visit.bring)}")
    if found.hidden:
        lines.append(f"{_counted(len(found.hidden), 'task')} more done or put off")
    return "\n".join(lines) or "nobody needs to go out"


def proposals(found: Proposals, now: datetime) -> str:
    """A line a device that nobody registered, the last heard first."""
    lines = [
        f"{one.suggested_technology or '?':18} {one.dialect:24} {_printable(one.address):40}"
        f" {_printable(' '.join(filter(None, (one.make, one.model))) or 'unknown make'):32}"
        f" {_counted(one.messages_total, 'message')}, last heard {_ago(one.last_heard_at, now)}"
        + (f", says {_printable(', '.join(one.says))}" if one.says else "")
        + ("" if one.battery_pct is None else f", battery {one.battery_pct:.0f} %")
        for one in found.proposals
    ]
    if found.proposals_total > len(lines):
        lines.append(f"and {found.proposals_total - len(lines)} more")
    lines += [
        f"{count} more {dialect} addresses that were hardly heard had to make room"
        for dialect, count in sorted(found.dropped_total.items())
    ]
    return "\n".join(lines) or "nothing is proposed: everything that speaks is registered"


def ledger(entries: Sequence[Entry]) -> str:
    """What is known of each boot's messages, and where the missing ones were."""
    lines = []
    for one in entries:
        numbers = "no numbers" if one.first_seq is None else f"numbers {one.first_seq} to {one.last_seq}"
        lines.append(
            f"boot {one.boot_id or 'none'}: {numbers}, {one.received_total} stored, {one.duplicates_total} came again,"
            f" {one.late_total} late, {one.lost_messages} lost; {_minute(one.first_received_at)} to"
            f" {_minute(one.last_received_at)}"
        )
        lines += [
            f"    {gap.first_seq} to {gap.last_seq} never came"
            + (
                f", between {_minute(gap.from_at)} and {_minute(gap.to_at)}"
                if gap.from_at and gap.to_at
                else ""
            )
            for gap in one.gaps
        ]
        if one.gaps_total > len(one.gaps):
            lines.append(f"    and {one.gaps_total - len(one.gaps)} earlier gaps")
    return "\n".join(lines) or "nothing came from it yet"


def _minute(at: datetime) -> str:
    return at.isoformat(timespec="minutes")


def quarantine(groups: Sequence[QuarantineGroup], kept: Sequence[Kept]) -> str:
    """What waits in quarantine: reasons and topics with their counts, then single kinds of messages by number."""
    if not groups:
        return "quarantine is empty"
    lines = []
    for group in groups:
        dropped = f"; {group.dropped_total} more were dropped to make room" if group.dropped_total else ""
        lines.append(f"{group.messages_total:8} {group.reason} ({group.dialect or 'no dialect'}){dropped}")
        lines += [f"{topic.messages_total:12} {_printable(topic.topic)}" for topic in group.topics]
        if group.topics_total > len(group.topics):
            lines.append(f"{'':12} and {group.topics_total - len(group.topics)} more topics")
    lines.append("")
    for one in kept:
        lines.append(
            f"#{one.id} {one.messages_total} × {one.reason} on {_printable(one.topic)},"
            f" last {one.last_received_at.isoformat(timespec='seconds')}\n"
            f"    {_printable(one.detail)}\n    {_printable(_decoded(one.payload[:120]))}"
        )
    lines.append(
        "see one whole with `nyttig quarantine --show NUMBER`;"
        " try them again with `nyttig quarantine --replay` once the reason is mended"
    )
    return "\n".join(lines)


def quarantined(kept: Kept) -> str:
    """One kind of quarantined message whole: its payload as text, or in hex where it is none."""
    try:
        payload = [_printable(line) for line in kept.payload.decode().splitlines()]
    except UnicodeDecodeError:
        payload = [kept.payload[place : place + 32].hex(" ") for place in range(0, len(kept.payload), 32)]
    size = f"{kept.payload_bytes} bytes"
    if kept.payload_bytes > len(kept.payload):
        size += f", of which the first {len(kept.payload)} are kept, so that it cannot be replayed"
    lines = [
        f"number   {kept.id}",
        f"reason   {kept.reason}: {_printable(kept.detail)}",
        f"topic    {_printable(kept.topic)} ({kept.dialect or 'no dialect'})",
        (f"messages {kept.messages_total}, {kept.first_received_at.isoformat(timespec='seconds')}"
         f" to {kept.last_received_at.isoformat(timespec='seconds')}"),
    ]  # fmt: skip
    if kept.replayed_at is not None:
        lines.append(f"replayed {kept.replayed_at.isoformat(timespec='seconds')}")
    return "\n".join([*lines, f"payload  {size}", *payload])


def shown(kept: Kept) -> dict[str, Any]:
    """A kind of quarantined message for JSON: its payload as text, and in hex where it is none."""
    content = kept._asdict()
    content["payload"] = _decoded(kept.payload)
    try:
        kept.payload.decode()
    except UnicodeDecodeError:
        content["payload_hex"] = kept.payload.hex()
    return content


def _decoded(payload: bytes) -> str:
    return payload.decode("utf-8", "backslashreplace")


def _printable(text: str) -> str:
    """What a stranger sent cannot move the cursor or colour the screen."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape", "surrogatepass").decode() for one in text
    )


def verification(
    wrong: Sequence[Difference],
    unbooked: Sequence[Unbooked],
    miscounts: Sequence[Miscount],
    misplaced: Sequence[Misplaced],
    miscounted: Sequence[Miscounted],
    misfolded: Sequence[Misfolded],
    waiting: int,
) -> str:
    """What `verify` found."""
    lines = [
        f"rollup {one.device} {one.hour.isoformat()}: stored {one.stored}, events say {one.recomputed}"
        for one in wrong
    ]
    lines += [
        f"ledger {one.device} boot {one.boot_id!r}: only in ledger {one.only_in_ledger}, only in events {one.only_in_events}"
        for one in unbooked
    ]
    lines += [
        f"ledger {one.device} boot {one.boot_id!r}: {one.figure} {one.booked}, events say {one.stored}"
        for one in miscounts
    ]
    lines += [
        f"gap {one.device} boot {one.boot_id!r} {one.first_seq} to {one.last_seq}: only in"
        f" {'the table of gaps' if one.stored else 'the events'}, or at another time there"
        for one in misplaced
    ]
    lines += [
        f"recovered uses {one.device} {one.to_at.isoformat()}: stored {one.stored}, counter and events say {one.recomputed}"
        for one in miscounted
    ]
    lines += [
        f"fold {one.device}, {one.days} days from {one.first_day}: does not say what its rollups say"
        for one in misfolded
    ]
    if not lines:
        lines.append("rollups and ledger say what the events say")
    if waiting:
        lines.append(
            f"{waiting} hours wait for their rollup and were left out; they are worked off within seconds"
        )
    return "\n".join(lines)


def _gain(gain: GainFigures) -> str:
    difference = gain.difference
    told = f"gain         {gain.title}: n {difference.n}"
    if difference.mean is not None:
        told += f", {_number(gain.before_mean)} → {_number(gain.after_mean)}, mean difference {_number(difference.mean)}"
    if difference.low is not None and difference.high is not None and difference.p is not None:
        told += f" [{difference.low:.2f}, {difference.high:.2f}], p {difference.p:.4f}"
    else:
        told += ", too few homes to say more"
    return (
        told
        + f"; evidence level {gain.evidence_level}"
        + (", uncertain: registration" if gain.uncertain else "")
    )


def _staying(made: Report) -> list[str]:
    first, sustained, stay = made.first_use, made.sustained, made.retention
    begun = (
        "not half yet" if first.curve.median_days is None else f"half within {first.curve.median_days:g} days"
    )
    ends = [f"{n} {reason}" for reason, n in stay.competing.items()]
    found = [
        f"first use    {first.started} of {_counted(first.homes, 'home')} began, {begun}",
        (
            f"steady use   {_share(sustained.share)} of homes that can be judged; {sustained.too_early} too early,"
            f" {sustained.unknown} unknown"
        ),
        f"stopped      {stay.abandoned} of {_counted(stay.homes, 'home')} that began ({stay.abandonment_days} observed"
        f" unused days count as stopped); {stay.lapsed} came back after such a break"
        + (f"; ended otherwise: {', '.join(ends)}" if ends else ""),
    ]
    if stay.curve is not None:
        half = stay.curve.median_days
        found.append(
            f"staying      half had stopped after {half:g} days" if half is not None
            else f"staying      more than half still use it after {stay.curve.followed_days:g} days"
        )  # fmt: skip
    return found


def _setting(setting: SettingAdoption) -> str:
    return (
        f"setting      {_share(setting.units)} of invited units take part; ambassadors trained"
        f" {_share(setting.trained)} of staff, active {_share(setting.active)} of those"
    )


def _rate(rate: UseDayRate) -> str:
    if rate.show == "nothing":
        return "cannot be said yet: no observed days"
    bounds = f"{_percent(rate.lower)} to {_percent(rate.upper)}"
    observed = (
        f"{_counted(rate.homes, 'home')}, {_percent(rate.observability)} observed,"
        f" {_counted(rate.unknown_days, 'day')} unknown"
        + (f", {rate.lossy_unused_days} of the unused days lost messages" if rate.lossy_unused_days else "")
    )
    return (
        f"{_percent(rate.point)} ({bounds}; {observed})" if rate.show == "point" else f"{bounds} ({observed})"
    )


def _recovered(uses: int) -> str:
    return f" (and {uses} known from the devices' counters alone)" if uses else ""


def _counted(number: int, one: str) -> str:
    return f"{number} {one}" if number == 1 else f"{number} {one}s"


def _share(share: Share) -> str:
    if share.ratio is None:
        return "0/0"
    return f"{share.count}/{share.of} [{_percent(share.low)}, {_percent(share.high)}]"


def _percent(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio * 100:.1f} %"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _ago(at: datetime | None, now: datetime) -> str:
    return words.ago(at, now)
