"""What the command line prints: the same figures as everywhere, as text or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

if (
    TYPE_CHECKING
):  # each command loads what it needs, and the types of all others would take as long as a small report
    from nyttig.figures.adoption import Coverage, UseDayRate
    from nyttig.figures.alarms import AlarmFigures
    from nyttig.figures.intervals import Share
    from nyttig.figures.setting import SettingAdoption
    from nyttig.gains import GainFigures
    from nyttig.health.assess import Health
    from nyttig.health.visits import WorkList
    from nyttig.proposed import Proposals
    from nyttig.report import Report
    from nyttig.store.ledger import Entry
    from nyttig.store.past import NotRecoverable
    from nyttig.store.quarantine import Kept, QuarantineGroup


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
        *_as_known(made),
        "",
        "homes        " + " → ".join(f"{step.step} {step.homes}" for step in funnel.steps)
        + (f"; ended: {', '.join(f'{reason} {n}' for reason, n in funnel.ended.items())}" if funnel.ended else ""),
        "use-day rate " + _rate(made.use_day_rate),
        "all days     " + _rate(made.use_day_rate_all_days) + " (with the first days of each home)",
        f"coverage     {_coverage(made.coverage)}",
        *([] if made.alarms is None else [f"alarms       {_alarms(made.alarms)}"]),
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
    lines += [*_changes(made), *_parts(made), *(_gain(gain) for gain in made.gains)]
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
    from nyttig.health import words

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
    from nyttig.health import words

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


def _lost(lost: NotRecoverable) -> str:
    """What of the past is not known any more."""
    at = lost.at.isoformat(timespec="seconds")
    return {
        "registry": f"what the registry said before {at}, when its record begins; taken as it stood then",
        "registrations": f"visits and other rows as they were before {at}, when a load changed them; taken as they are now",
        "use_rules": f"what counted as a use before {at}, when that was changed; counted as it is now",
        "raw_events": f"when the messages of the time before {at} came, for they are no longer kept; all of them count",
    }[lost.reason]


def _as_known(made: Report) -> list[str]:
    """What a report of an earlier day rests on; of today's there is nothing to say."""
    if made.known == "now":
        return [] if made.known_at in (None, made.as_of) else ["with all that is known of that time now"]
    assert made.known_at is not None
    when = made.known_at.isoformat(timespec="seconds")
    later = (
        f"{_counted(made.arrived_later_total, 'event')} of that time that came later (--known now: with them)"
    )
    lost = [f"not known any more: {_lost(each)}" for each in made.not_recoverable]
    return [f"as it was known {when}; not counted: {later}", *lost]


def _changes(made: Report) -> list[str]:
    told = (made.periods.comparison, made.periods.participation)
    found = []
    for one in [one for one in told if one is not None and one.difference.mean is not None]:
        change = one.difference
        interval = (
            "" if change.low is None or change.high is None
            else f" (95 % {100 * change.low:+.1f} to {100 * change.high:+.1f})"
        )  # fmt: skip
        found.append(
            f"change       {one.measure}: {100 * (change.mean or 0):+.1f} points in {_counted(change.n, 'home')}{interval},"
            f" {one.weeks} weeks against the {one.weeks} before: {one.verdict.replace('_', ' ')}"
        )
    return found


def _parts(made: Report) -> list[str]:
    units = [(each.unit, f"{_counted(each.homes, 'home')}", each, each.participation) for each in made.units]
    technologies = [
        (each.technology, f"{_counted(each.devices, 'device')}, {each.usage_class}", each, None)
        for each in made.technologies
    ]
    return [
        f"{name} ({size}): use-day rate {_rate(part.use_day_rate)}; coverage {_percent(part.coverage.ratio)};"
        f" {_number(part.intensity.uses_per_home_week)} uses per home-week; steady use {_share(part.sustained.share)};"
        f" stopped {part.staying.abandoned} of {part.staying.homes}"
        + ("" if part.staying.still_using is None else
           f", {_percent(part.staying.still_using)} still use it after {part.staying.on_day} days")
        + ("" if due is None else f"; done in time {_share(due.done)}")
        for told in (units, technologies) if len(told) > 1
        for name, size, part, due in told
    ]  # fmt: skip


def _setting(setting: SettingAdoption) -> str:
    parts = [f"{_share(setting.units)} of invited units take part"]
    trained = [f"trained {_share(setting.trained)} of staff"] if setting.trained.of else []
    active = [f"active {_share(setting.active)} of those trained"] if setting.active.of else []
    told = ", ".join(trained + active) or "no unit says how many are trained"
    return "setting      " + "; ".join([*parts, f"ambassadors: {told}"])


def _rate(rate: UseDayRate) -> str:
    if rate.show == "nothing":
        return "cannot be said yet: no observed days"
    bounds = f"{_percent(rate.lower)} to {_percent(rate.upper)}"
    observed = (
        f"{_counted(rate.homes, 'home')}, {_percent(rate.observability)} observed,"
        f" {_counted(rate.unknown_days, 'day')} unknown"
        + (f", {rate.lossy_unused_days} of the unused days lost messages" if rate.lossy_unused_days else "")
        + (
            f"; the bounds count {_counted(rate.used_unobserved_days, 'day')} more, used while hardly heard"
            if rate.point is not None and rate.lower is not None and rate.point < rate.lower
            else ""
        )
    )
    return (
        f"{_percent(rate.point)} ({bounds}; {observed})" if rate.show == "point" else f"{bounds} ({observed})"
    )


def _coverage(told: Coverage) -> str:
    whole = f"of {told.exposed_minutes} exposed minutes"
    if not told.armed_known:
        return f"{_percent(told.ratio)} {whole} online"
    covered = (
        _percent(told.ratio) if told.show == "point" else f"{_percent(told.ratio)} to {_percent(told.upper)}"
    )
    return (
        f"{covered} {whole} armed and online ({_percent(told.online_ratio)} online; armed or worn in"
        f" {_percent(told.armed_ratio)} of the time in which that is known)"
    )


def _alarms(figures: AlarmFigures) -> str:
    told = figures.all
    half = "" if told.median_minutes is None else f", half within {told.median_minutes:.1f} minutes"
    return (
        f"{told.raised} raised in {told.homes} of {_counted(figures.homes_watched, 'home')}: handled in time"
        f" {_share(told.handled_in_time)}{half}; {told.handled_late} late; missed {_share(told.missed)}; {told.unknown} unknown,"
        f" {told.to_come} still open; {_counted(told.tests, 'test')} apart"
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
    from nyttig.health import words

    return words.ago(at, now)
