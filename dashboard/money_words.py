"""Money in the reader's words: why a gain is in no sum, what a number hangs on, and whether it pays for itself."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.client import Json
from dashboard.language import _, money, ngettext, number, percent, signed


def left_out(why: str) -> str:
    """Why a gain is in no sum, and what would bring it in."""
    return {
        "too_few_homes": _("measured in fewer than five homes: that says nothing of a year"),
        "new_work_not_registered": _(
            "the work that the technology brings (alarms, refills, checks, support) is not registered: register it, too"
        ),
        "no_rate": _("no hourly rate is entered: enter one with its basis and year"),
        "no_time_unit": _(
            "its indicator does not say minutes or hours a week, month or year: give it a code that does"
        ),
        "no_money_unit": _("its indicator does not name the currency and the time, such as nok_per_week"),
        "not_measured": _("it is not measured yet"),
        "counted_already": _("another gain counts the same thing, and nothing is counted twice"),
        "dropped": _("it was dropped"),
    }.get(why, why.replace("_", " "))


def basis(code: str) -> str:
    """What a price is of."""
    return {
        "paid_hour": _("a paid hour, the way to the home included"),
        "full_cost": _(
            "a delivered hour at full cost; the way to the home is in the price and not counted again"
        ),
        "task": _("the amount itself"),
    }.get(code, code)


def parameter(code: str, gains: Mapping[str, str]) -> str:
    """A number that the money hangs on."""
    kind, _colon, gain = code.partition(":")
    if gain:
        title = gains.get(gain, gain)
        return {
            "quantity": _("How much: {gain}"),
            "price": _("Price: {gain}"),
            "reallocated_ratio": _("Share reallocated: {gain}"),
            "cashed_ratio": _("Share cashed: {gain}"),
        }.get(kind, "{gain}").format(gain=title)
    return {
        "capital": _("What is bought"),
        "installation": _("Installation"),
        "running": _("Running costs"),
        "support": _("Support"),
        "life": _("Life of devices"),
        "hour_price": _("Price of an hour"),
        "use": _("How much it is used"),
        "homes": _("Homes in operation"),
        "discount_ratio_per_year": _("Discount rate"),
        "years": _("Years looked ahead"),
    }.get(code, code.replace("_", " "))


def parameter_value(code: str, value: float) -> str:
    """A value of such a number, as one reads it."""
    if code in ("discount_ratio_per_year", "use_day_ratio", "discount_rate") or code.partition(":")[
        0
    ].endswith("_ratio"):
        return percent(value)
    if code in ("capital", "installation", "running", "support", "life", "hour_price", "use"):
        return _("{factor} times").format(factor=number(value, 2))
    return number(value, 1)


def source(text: str | None) -> str:
    """What a range rests on."""
    return {
        "95 % interval": _("the measured interval"),
        "assumed": _("assumed, no source entered"),
        None: _("no source entered"),
    }.get(text, text or "")


def payer(name: str | None) -> str:
    """Who pays; said where nobody was named."""
    return name or _("nobody named as payer")


def pays_back(found: Json) -> str:
    """After how long it has paid for itself, against how long the device lasts."""
    months, life = found["payback_months"], found["life_months"]
    if months is None:
        return _("never: the income does not cover what is paid every month")
    words = _("after {months} months").format(months=number(months, 1))
    if life is None:
        return words + " · " + _("no life of the devices is entered")
    if found["payback_life_ratio"] > 1:
        return (
            words + " · " + _("later than the {life} months that the devices last").format(life=number(life))
        )
    return words + " · " + _("within the {life} months that the devices last").format(life=number(life))


def break_even(even: Json | None) -> str:
    """How much use it takes to pay for itself."""
    if even is None:
        return _("No amount of use would make it pay for itself: more use brings no more income.")
    words = _("It takes {ratio} of the measured gain to pay for itself").format(
        ratio=percent(even["gain_ratio"])
    )
    told = []
    if even["use_day_ratio"] is not None and even["use_day_ratio"] <= 1:
        told.append(_("use on {share} of days").format(share=percent(even["use_day_ratio"])))
    if even["active_homes"] is not None:
        told.append(ngettext("{n} home that uses it", "{n} homes that use it", even["active_homes"]))
    if told:
        words += " – " + _("that is {told}").format(told=_(" or ").join(told))
    ending = _(", if the gain grows with use and the costs stay.")
    if even["within_reach"] is False:
        ending = _(", if the gain grows with use and the costs stay. That is out of reach.")
    return words + ending


def counted(value: float) -> str:
    """An amount without its currency, which stands elsewhere."""
    return signed(value, 0) if value < 0 else number(value)


def a_year(value: float, currency: str) -> str:
    """An amount a year."""
    return _("{amount} a year").format(amount=money(value, currency))
