"""The pictures of docs/figures.md, drawn from made-up homes: python docs/figures/draw.py writes them anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

WIDTH, HEIGHT = 560, 150
INK, FAINT, GRID = "#1F2933", "#6B7785", "#D5DBE1"
USED, UNUSED, UNKNOWN, PAUSED = "#00568A", "#E69F00", "#B8C0C8", "#E8ECEF"
COLOUR = {"U": USED, "u": "#7FB2D0", "N": UNUSED, "K": UNKNOWN, "E": PAUSED}


def svg(title: str, *parts: str, height: int = HEIGHT) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        f' role="img" font-family="sans-serif" font-size="12">\n<title>{title}</title>\n'
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>\n{body}\n</svg>\n'
    )


def text(x: float, y: float, words: str, colour: str = INK, anchor: str = "start", size: int = 12) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" fill="{colour}" text-anchor="{anchor}" font-size="{size}">{words}</text>'
    )


def box(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{colour}"/>'


def line(points: Sequence[tuple[float, float]], colour: str = INK, width: float = 2, dash: str = "") -> str:
    path = " ".join(f"{x:g},{y:g}" for x, y in points)
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}"{dashed}/>'


def strip(y: float, name: str, states: str, left: float = 70, cell: float = 11) -> str:
    cells = [
        box(left + place * cell, y, cell - 1.5, 16, COLOUR[state])
        for place, state in enumerate(states)
        if state != "-"
    ]
    return "\n".join([text(left - 8, y + 12, name, FAINT, "end"), *cells])


def legend(y: float, *entries: tuple[str, str], left: float = 70) -> str:
    parts, x = [], left
    for colour, words in entries:
        parts += [box(x, y - 9, 10, 10, colour), text(x + 14, y, words, FAINT, size=11)]
        x += 26 + 6.2 * len(words)
    return "\n".join(parts)


def steps(
    values: Sequence[float], left: float, top: float, width: float, height: float
) -> list[tuple[float, float]]:
    points = [(left, top)]
    for place, value in enumerate(values):
        x = left + width * (place + 1) / len(values)
        points += [(x, points[-1][1]), (x, top + height * (1 - value))]
    return points


def mark(x: float, fill: str, edge: str) -> str:
    return f'<circle cx="{x:g}" cy="49" r="7" fill="{fill}" stroke="{edge}" stroke-width="2"/>'


def axes(left: float, top: float, width: float, height: float, high: str, low: str, right: str) -> str:
    return "\n".join(
        [
            line([(left, top), (left, top + height), (left + width, top + height)], GRID, 1),
            text(left - 6, top + 5, high, FAINT, "end", 11),
            text(left - 6, top + height, low, FAINT, "end", 11),
            text(left + width, top + height + 14, right, FAINT, "end", 11),
        ]
    )


def use_day_rate() -> str:
    states = "U" * 14 + "u" * 2 + "N" * 6 + "K" * 4
    return svg(
        "26 days of one device: 14 used, 2 used while hardly observed, 6 unused, 4 unknown",
        strip(20, "one home", states, cell=17),
        legend(
            58,
            (USED, "used"),
            (COLOUR["u"], "used, hardly observed"),
            (UNUSED, "unused"),
            (UNKNOWN, "unknown"),
        ),
        line([(70, 100), (500, 100)], GRID, 6),
        line([(70 + 430 * 0.6154, 100), (70 + 430 * 0.7692, 100)], USED, 6),
        f'<circle cx="{70 + 430 * 0.7:g}" cy="100" r="7" fill="{INK}"/>',
        text(70, 88, "0 %", FAINT),
        text(500, 88, "100 %", FAINT, "end"),
        text(285, 128, "70 % (62 to 77 % whatever the unknown days were)", INK, "middle"),
    )


def coverage() -> str:
    worn, heard = [(130, 90), (240, 80)], [(70, 150), (240, 90), (356, 144)]
    return svg(
        "A day of which the device was heard for all but two stretches, and worn for a part of that",
        text(70, 30, "one day, 24 hours in the trial"),
        box(70, 45, 430, 22, UNKNOWN),
        *[box(x, 45, width, 22, COLOUR["u"]) for x, width in heard],
        *[box(x, 45, width, 22, USED) for x, width in worn],
        legend(
            95,
            (USED, "heard, and worn or armed"),
            (COLOUR["u"], "heard, lying in a drawer"),
            (UNKNOWN, "not heard"),
        ),
        text(70, 128, "coverage = dark part / whole bar"),
    )


def alarms() -> str:
    rows = [("A", 6, USED, "handled in time"), ("B", 40, COLOUR["u"], "handled late"), ("C", None, UNUSED, "not handled"),
            ("D", None, UNKNOWN, "unknown: the device fell silent")]  # fmt: skip
    drawn = []
    for place, (name, minutes, colour, words) in enumerate(rows):
        y = 22 + place * 26
        until = 84 + (minutes if minutes is not None else 60) * 4
        drawn += [
            text(70, y + 12, name, FAINT, "end"),
            box(84, y, until - 84, 16, colour),
            text(max(until, 144) + 8, y + 12, words),
        ]
    return svg(
        "Four alarms: one handled after 6 minutes, one after 40, one not at all, one unknown",
        *drawn,
        line([(144, 14), (144, 126)], INK, 1, "4 3"),
        text(148, 140, "15 minutes", FAINT),
    )


def funnel() -> str:
    rows = [("asked", 16), ("consented", 13), ("installed", 12), ("started", 9)]
    return svg(
        "16 homes asked, 13 consented, 12 installed, 9 started",
        *[
            part
            for place, (name, homes) in enumerate(rows)
            for part in (
                text(110, 32 + place * 30, name, FAINT, "end"),
                box(120, 18 + place * 30, homes * 22, 20, USED),
                text(128 + homes * 22, 33 + place * 30, f"{homes}"),
            )
        ],
        text(120 + 9 * 22 + 26, 123, "9 of 12: 75 % (47 to 91 %)", FAINT),
    )


def first_use() -> str:
    return svg(
        "The share of homes that have not used it yet falls by steps",
        axes(70, 15, 430, 100, "100 %", "0 %", "days since installation"),
        line(steps([0.8, 0.55, 0.45, 0.3, 0.3, 0.2, 0.2, 0.2], 70, 15, 430, 100), USED),
        line([(70, 65), (70 + 430 * 3 / 8, 65), (70 + 430 * 3 / 8, 115)], FAINT, 1, "4 3"),
        text(70 + 430 * 3 / 8 + 6, 60, "half have begun", FAINT),
    )


def weeks() -> str:
    table = [(3, 2, 1, 0), (5, 1, 1, 1), (7, 2, 0, 1), (8, 2, 1, 0), (7, 2, 2, 0), (8, 2, 1, 0)]
    parts = []
    for place, counts in enumerate(table):
        y = 118.0
        for homes, colour in zip(counts, (USED, UNUSED, UNKNOWN, PAUSED), strict=True):
            y -= homes * 8
            parts.append(box(80 + place * 70, y, 46, homes * 8 - 1, colour))
    return svg(
        "Homes by week: used, unused, unknown, paused",
        *parts,
        line([(70, 118), (500, 118)], GRID, 1),
        legend(140, (USED, "used"), (UNUSED, "unused"), (UNKNOWN, "unknown"), (PAUSED, "paused")),
    )


def intensity() -> str:
    uses = [2, 0, 3, 2, 2, 0, 4, 2, 1, 2, 3, 0, 2, 2]
    return svg(
        "Uses a day over two weeks",
        *[box(80 + place * 30, 105 - n * 20, 22, max(n * 20, 1), USED) for place, n in enumerate(uses)],
        line([(70, 105), (500, 105)], GRID, 1),
        text(70, 130, f"{sum(uses)} uses on {sum(n > 0 for n in uses)} used days, {sum(uses) / 2:g} a week"),
    )


def participation() -> str:
    marks = [
        ("8:05", USED, "done"),
        ("10:40", "#7FB2D0", "late"),
        ("", UNUSED, "missed"),
        ("", UNKNOWN, "unknown"),
    ]
    parts = []
    for place, (clock, colour, name) in enumerate(marks):
        x = 80 + place * 112
        parts += [
            text(x, 30, "due 8:00", FAINT, size=11),
            box(x, 42, 60, 14, PAUSED),
            mark(x + (3, 88, 30, 30)[place], colour if clock else "#fff", colour),
            text(x, 84, name),
            text(
                x,
                100,
                f"taken {clock}" if clock else ("device heard" if place == 2 else "device silent"),
                FAINT,
                size=11,
            ),
        ]
    return svg(
        "Four doses due at 8: done, late, missed, unknown",
        *parts,
        text(80, 132, "light bar: the window in which it counts as done", FAINT),
    )


def sustained() -> str:
    states = "NNUNNUUNUU" + "UUUNUUUUUKUUUNUUUUUUUNUUUUUU"
    return svg(
        "A home whose use becomes steady",
        strip(30, "one home", states, cell=12),
        line([(70 + 10 * 12, 60), (70 + 38 * 12, 60)], INK, 2),
        text(70 + 24 * 12, 80, "30 days, 21 of them observed, 70 % of those used", INK, "middle"),
        legend(125, (USED, "used"), (UNUSED, "unused"), (UNKNOWN, "unknown")),
    )


def retention() -> str:
    return svg(
        "Homes that still use it, by days since their first use",
        axes(70, 15, 430, 100, "100 %", "0 %", "days since first use"),
        line(steps([1, 0.92, 0.92, 0.83, 0.75, 0.75, 0.65, 0.65], 70, 15, 430, 100), USED),
        line(steps([1, 0.78, 0.78, 0.62, 0.5, 0.5, 0.38, 0.38], 70, 15, 430, 100), FAINT, 1, "4 3"),
        line(steps([1, 0.98, 0.98, 0.94, 0.9, 0.9, 0.84, 0.84], 70, 15, 430, 100), FAINT, 1, "4 3"),
        *[
            text(70 + 430 * place / 4, 146, str(homes), FAINT, "middle")
            for place, homes in enumerate((24, 22, 17, 11, 6))
        ],
    )


def setting() -> str:
    return svg(
        "Three districts invited, two take part; ambassadors trained and active",
        *[box(80 + place * 150, 20, 120, 34, USED if place < 2 else PAUSED) for place in range(3)],
        text(80, 75, "2 of 3 invited districts take part"),
        *[
            box(80 + place * 14, 95, 10, 16, USED if place < 11 else "#7FB2D0" if place < 15 else PAUSED)
            for place in range(30)
        ],
        text(80, 132, "of the staff: trained and active, trained, not trained", FAINT),
    )


def net_minutes() -> str:
    rows = [("before", 280, INK), ("after", 180, USED), ("new work", 25, UNUSED), ("freed", 75, "#2E7D32")]
    return svg(
        "280 minutes a week before, 180 after, 25 of new work: 75 freed",
        *[
            part
            for place, (name, minutes, colour) in enumerate(rows)
            for part in (
                text(110, 32 + place * 30, name, FAINT, "end"),
                box(120, 18 + place * 30, minutes * 1.2, 20, colour),
                text(128 + minutes * 1.2, 33 + place * 30, f"{minutes} min"),
            )
        ],
    )


def gains() -> str:
    pairs = [(300, 220), (260, 180), (330, 260), (240, 250), (290, 190), (270, 230)]
    parts = []
    for before, after in pairs:
        ends = [(150.0, 200 - before * 0.55), (400.0, 200 - after * 0.55)]
        parts += [
            line(ends, FAINT, 1.5),
            *[f'<circle cx="{x:g}" cy="{y:g}" r="3" fill="{FAINT}"/>' for x, y in ends],
        ]
    means = [sum(each) / len(pairs) for each in zip(*pairs, strict=True)]
    return svg(
        "Visit minutes a week in six homes before and after: five fell, one rose",
        *parts,
        line([(150, 200 - means[0] * 0.55), (400, 200 - means[1] * 0.55)], USED, 4),
        text(150, 140, "before", FAINT, "middle"),
        text(400, 140, "after", FAINT, "middle"),
        text(412, 200 - means[1] * 0.55 + 4, f"mean {means[1] - means[0]:+.0f} min".replace("-", "−")),
    )


def calls() -> str:
    return svg(
        "Three homes: one stopped, one uses it less, one is silent and no call",
        strip(18, "A1", "UUUUUUNUUUUUUUUNUUUUUUUUUNNNNNNN", cell=12),
        text(462, 30, "stopped", size=11),
        strip(50, "A2", "UUNUUUUUUUUNUUUUUUNNUNNNNUNNNNUN", cell=12),
        text(462, 62, "uses it less", size=11),
        strip(82, "A3", "UUUUNUUUUUUUUUUUUUUUUUUUUKKKKKKK", cell=12),
        text(462, 94, "the installer’s", size=11),
        legend(130, (USED, "used"), (UNUSED, "unused"), (UNKNOWN, "unknown")),
    )


def periods() -> str:
    homes = [(0.5, 0.7), (0.6, 0.65), (0.4, 0.62), (0.8, 0.78), (0.55, 0.75), (0.3, 0.5)]
    parts = []
    for place, (before, after) in enumerate(homes):
        y = 18 + place * 16
        parts += [
            line([(120 + 380 * before, y), (120 + 380 * after, y)], GRID, 4),
            f'<circle cx="{120 + 380 * before:g}" cy="{y}" r="4" fill="{FAINT}"/>',
            f'<circle cx="{120 + 380 * after:g}" cy="{y}" r="5" fill="{USED}"/>',
            text(106, y + 4, f"home {place + 1}", FAINT, "end", 11),
        ]
    return svg(
        "Six homes, each with its share of days in use in the four weeks before and in the last four",
        *parts,
        line([(120, 106), (500, 106)], GRID, 1),
        text(120, 120, "0 %", FAINT, size=11),
        text(500, 120, "100 %", FAINT, "end", 11),
        legend(142, (FAINT, "four weeks before"), (USED, "last four weeks")),
    )


def parts() -> str:
    rows = [
        ("Alna", 0.62, 0.72, 0.69, "8 homes"),
        ("Gamle Oslo", 0.41, 0.83, 0.6, "3 homes"),
        ("door sensors", 0.9, 0.97, 0.95, "5 homes"),
    ]
    return svg(
        "Two units and a technology beside the one that is tried, each with point, bounds and number of homes",
        *[
            part
            for place, (name, low, high, point, homes) in enumerate(rows)
            for part in (
                text(130, 34 + place * 36, name, FAINT, "end"),
                line([(140, 30 + place * 36), (440, 30 + place * 36)], GRID, 6),
                line([(140 + 300 * low, 30 + place * 36), (140 + 300 * high, 30 + place * 36)], USED, 6),
                f'<circle cx="{140 + 300 * point:g}" cy="{30 + place * 36}" r="6" fill="{INK}"/>',
                text(452, 34 + place * 36, homes),
            )
        ],
        text(140, 142, "0 %", FAINT, size=11),
        text(440, 142, "100 %", FAINT, "end", 11),
    )


def intervals() -> str:
    parts = []
    for place, homes in enumerate((4, 12, 40, 400)):
        y, squared = 26 + place * 28, 1.959964**2
        centre = (0.75 + squared / (2 * homes)) / (1 + squared / homes)
        half = (squared * 0.1875 / homes + squared**2 / (4 * homes**2)) ** 0.5 / (1 + squared / homes)
        parts += [
            text(130, y + 4, f"{homes * 3 // 4} of {homes} homes", FAINT, "end"),
            line([(140, y), (440, y)], GRID, 6),
            line([(140 + 300 * (centre - half), y), (140 + 300 * (centre + half), y)], USED, 6),
            f'<circle cx="{140 + 300 * 0.75:g}" cy="{y}" r="6" fill="{INK}"/>',
            text(452, y + 4, f"{100 * (centre - half):.0f} to {100 * (centre + half):.0f} %"),
        ]
    return svg("The same share of 4, 12, 40 and 400 homes with its 95 % Wilson interval", *parts)


PICTURES: tuple[Callable[[], str], ...] = (
    use_day_rate, coverage, alarms, funnel, first_use, weeks, intensity, participation, sustained, retention, setting,
    net_minutes, gains, calls, periods, parts, intervals,
)  # fmt: skip


def main() -> None:
    """Every picture stands beside this file."""
    for picture in PICTURES:
        (Path(__file__).parent / f"{picture.__name__}.svg").write_text(picture(), encoding="utf-8")


if __name__ == "__main__":
    main()
