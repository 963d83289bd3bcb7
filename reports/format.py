"""The only place where numbers and instants become text for people.

Groups of thousands are separated by a narrow no-break space, a number and its unit by a no-break one, so nothing breaks
in the middle of a value. The minus is U+2212. None becomes an en dash; why it is missing is told beside it by the
caller.
No locale is read: the same value gives the same text everywhere.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

MISSING = "\u2013"
MINUS = "\u2212"
THIN = "\u202f"
NBSP = "\u00a0"

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
_MULTIPLE_FROM = 2.0
"""A value at least twice (or at most half of) the old one is said as a multiple, not in per cent."""


def count(value: float | None) -> str:
    """A whole number, grouped: 1 284 302."""
    if value is None:
        return MISSING
    text = f"{abs(round(value)):,}".replace(",", THIN)
    return f"{MINUS}{text}" if round(value) < 0 else text


def duration(value_s: float | None) -> str:
    """Seconds as a person says them: 820 ms, 3.2 s, 42 s, 4 min 10 s, 2 h 5 min, 3 d 4 h."""
    if value_s is None:
        return MISSING
    if value_s < 0:
        return MINUS + duration(-value_s)
    if value_s < 0.9995:
        return _milliseconds(value_s * 1000)
    if value_s < 59.5:
        return f"{value_s:.1f}{NBSP}s" if value_s < 9.95 else f"{value_s:.0f}{NBSP}s"
    if value_s < 3599.5:
        return _pair(round(value_s), 60, "min", "s")
    minutes = round(value_s / 60)
    if minutes < 48 * 60:
        return _pair(minutes, 60, "h", "min")
    hours = round(value_s / 3600)
    return _pair(hours, 24, "d", "h") if hours < 100 * 24 else f"{count(hours / 24)}{NBSP}d"


def duration_tick(value_s: float) -> str:
    """Seconds on an axis, without superfluous zeros: 1 s, 2.5 s."""
    return duration(value_s).replace(f".0{NBSP}", NBSP)


def _milliseconds(value_ms: float) -> str:
    if value_ms == 0:
        return f"0{NBSP}s"
    if value_ms < 0.1:
        return f"<0.1{NBSP}ms"
    return f"{value_ms:.1f}{NBSP}ms" if value_ms < 9.95 else f"{value_ms:.0f}{NBSP}ms"


def _pair(value: int, base: int, large: str, small: str) -> str:
    whole, rest = divmod(value, base)
    head = f"{count(whole)}{NBSP}{large}"
    return f"{head} {rest}{NBSP}{small}" if rest else head


def percent(ratio: float | None) -> str:
    """A ratio 0..1 in per cent; never rounds to 0 % or 100 % what is not: 98.2 %, 99.996 %, <0.001 %."""
    if ratio is None:
        return MISSING
    if ratio < 0:
        return MINUS + percent(-ratio)
    value = ratio * 100
    for decimals in (1, 2, 3):
        text = f"{value:.{decimals}f}"
        if float(text) not in (0.0, 100.0):
            return f"{text}{THIN}%"
    if value == 0 or value == 100:
        return f"{value:.0f}{THIN}%"
    if value < 1:
        return f"<0.001{THIN}%"
    return f">99.999{THIN}%" if value < 100 else f"100{THIN}%"


def percent_tick(ratio: float) -> str:
    """A ratio on an axis, without superfluous zeros: 95 %, 99.5 %."""
    return f"{ratio * 100:.2f}".rstrip("0").rstrip(".") + f"{THIN}%"


def times(factor: float | None) -> str:
    """A factor: 2.4×, 35×."""
    if factor is None:
        return MISSING
    return f"{factor:.1f}×" if factor < 9.95 else f"{count(factor)}×"


def size(value_bytes: float | None) -> str:
    """Bytes in decimal units: 820 B, 3.2 kB, 41 MB."""
    if value_bytes is None:
        return MISSING
    value = float(value_bytes)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(value) < 999.5 or unit == "TB":
            break
        value /= 1000
    text = count(value) if unit == "B" or abs(value) >= 9.95 else f"{value:.1f}".replace("-", MINUS)
    return f"{text}{NBSP}{unit}"


def memory(value_mb: float | None) -> str:
    """MiB: 0.4 MiB, 89 MiB, 1.2 GiB."""
    if value_mb is None:
        return MISSING
    value, unit = (value_mb, "MiB") if value_mb < 999.5 else (value_mb / 1024, "GiB")
    return f"{value:.1f}{NBSP}{unit}" if value < 9.95 else f"{count(value)}{NBSP}{unit}"


def decimal(value: float | None) -> str:
    """A mean of counts: 0.02, 1.4, 12, 1 284."""
    if value is None:
        return MISSING
    if value == 0 or value >= 9.95:
        return count(value)
    return f"{value:.1f}" if value >= 0.095 else f"{value:.2f}" if value >= 0.0095 else "<0.01"


def relative(change: float | None) -> str:
    """A relative change without its sign, to be said with a word: 12 %, 0.4 %, 3.4×."""
    if change is None:
        return MISSING
    if change + 1 >= _MULTIPLE_FROM:
        return times(change + 1)
    value = abs(change) * 100
    return f"{value:.0f}{THIN}%" if value >= 9.5 else f"{value:.1f}{THIN}%"


def signed_relative(change: float | None) -> str:
    """A relative change with its sign, or a multiple: +12 %, −45 %, ×3.4."""
    if change is None:
        return MISSING
    if change + 1 >= _MULTIPLE_FROM:
        return f"×{times(change + 1)[:-1]}"
    if abs(change) < 0.0005:
        return f"±0{THIN}%"
    return f"{'+' if change > 0 else MINUS}{relative(change)}"


def points(change: float | None) -> str:
    """A difference of two ratios in percentage points, without its sign: 1.2 points."""
    if change is None:
        return MISSING
    value = abs(change) * 100
    text = f"{value:.1f}" if value >= 0.095 else f"{value:.2f}"
    return f"{text}{NBSP}{'point' if text == '1.0' else 'points'}"


def signed_points(change: float | None) -> str:
    """A difference of two ratios with its sign, short for tables: +1.2 pp, −0.05 pp."""
    if change is None:
        return MISSING
    value = abs(change) * 100
    text = f"{value:.1f}" if value >= 0.095 else f"{value:.2f}"
    if float(text) == 0:
        return f"±0{NBSP}pp"
    return f"{'+' if change > 0 else MINUS}{text}{NBSP}pp"


def clean(text: str) -> str:
    """A text from the records without characters that are not seen or turn the writing around; line breaks stay."""
    return _UNSEEN.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def plural(number: int, one: str, many: str | None = None) -> str:
    """A count with its noun: 1 execution, 12 executions."""
    return f"{count(number)}{NBSP}{one if number == 1 else many or one + 's'}"


def date(at: datetime, timezone: str) -> str:
    """The day of an instant in a time zone: 12 May 2026."""
    local = at.astimezone(ZoneInfo(timezone))
    return f"{local.day}{NBSP}{_MONTHS[local.month - 1]}{NBSP}{local.year}"


def instant(at: datetime | None, timezone: str) -> str:
    """An instant in a time zone, to the minute: 12 May 2026, 14:05 CEST."""
    if at is None:
        return MISSING
    local = at.astimezone(ZoneInfo(timezone))
    return f"{date(at, timezone)}, {local:%H:%M}{NBSP}{_zone(local)}"


def short_instant(at: datetime, timezone: str) -> str:
    """An instant where the year and the zone are clear from around it: Tue 12 May, 14:05."""
    local = at.astimezone(ZoneInfo(timezone))
    return f"{_DAYS[local.weekday()]}{NBSP}{local.day}{NBSP}{_MONTHS[local.month - 1]}, {local:%H:%M}"


def _zone(local: datetime) -> str:
    name = local.tzname() or "UTC"
    return f"UTC{name.replace('-', MINUS)}" if name[:1] in "+-" else name


def utc(at: datetime | None) -> str:
    """An instant for machines, RFC 3339 in UTC: 2026-05-12T12:05:00Z."""
    return MISSING if at is None else at.astimezone(ZoneInfo("UTC")).strftime("%Y-%m-%dT%H:%M:%SZ")


def date_range(since: datetime, until: datetime, timezone: str) -> str:
    """The days of [since, until): 13 Apr – 12 May 2026; with times when it is shorter than two days."""
    zone = ZoneInfo(timezone)
    first, last = since.astimezone(zone), (until - timedelta(microseconds=1)).astimezone(zone)
    if until - since < timedelta(days=2):
        head = f"{first.day}{NBSP}{_MONTHS[first.month - 1]}, {first:%H:%M}"
        return f"{head} {MISSING} {date(until, timezone)}, {until.astimezone(zone):%H:%M}"
    if first.year == last.year:
        head = f"{first.day}{NBSP}{_MONTHS[first.month - 1]}"
        return f"{head} {MISSING} {date(last, timezone)}"
    return f"{date(first, timezone)} {MISSING} {date(last, timezone)}"


def step(start: datetime, granularity: str, timezone: str, *, year: bool = False) -> str:
    """What one step of a series is called: Tue 12 May, 14:00 · Tue 12 May · week of 11 May · May 2026."""
    local = start.astimezone(ZoneInfo(timezone))
    month = _MONTHS[local.month - 1]
    if granularity == "month":
        return f"{month}{NBSP}{local.year}"
    day = f"{local.day}{NBSP}{month}" + (f"{NBSP}{local.year}" if year else "")
    if granularity == "week":
        return f"week of {day}"
    day = f"{_DAYS[local.weekday()]}{NBSP}{day}"
    if granularity == "day":
        return day
    # In the hour that comes twice when summer time ends, the two need different names.
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f"{day}, {local:%H:%M}" + (f" {_zone(local)}" if twice else "")


def within(start: datetime, granularity: str, timezone: str) -> str:
    """One step inside a sentence: on Tue 12 May, 14:00 · on Tue 12 May · in the week of 11 May · in May 2026."""
    name = step(start, granularity, timezone)
    return {"month": "in ", "week": "in the "}.get(granularity, "on ") + name


def span(start: datetime, end: datetime, granularity: str, timezone: str) -> str:
    """When something between two steps happened: on Tue 12 May · on Tue 12 May, 14:00–17:00 · from … to …."""
    zone = ZoneInfo(timezone)
    first, last = start.astimezone(zone), (end - timedelta(microseconds=1)).astimezone(zone)
    if granularity in ("minute", "hour"):
        head = step(start, "hour", timezone)
        if first.date() == last.date():
            return f"on {head}{MISSING}{end.astimezone(zone):%H:%M}"
        return f"from {head} to {short_instant(end, timezone)}"
    if granularity == "day":
        if first.date() == last.date():
            return f"on {step(start, 'day', timezone)}"
        return f"from {step(start, 'day', timezone)} to {step(last, 'day', timezone)}"
    return within(start, granularity, timezone)


def tick(start: datetime, granularity: str, timezone: str) -> str:
    """A step on an axis, as short as it can be: 14:00, 12 May, May 2026."""
    local = start.astimezone(ZoneInfo(timezone))
    if granularity == "month":
        return f"{_MONTHS[local.month - 1]}{NBSP}{local.year}"
    if granularity == "minute" or (granularity == "hour" and (local.hour or local.minute)):
        return f"{local:%H:%M}"
    return f"{local.day}{NBSP}{_MONTHS[local.month - 1]}"


def period_words(period: str, length: timedelta) -> tuple[str, str]:
    """How a period and the one before it are called in sentences: ("these 7 days", "the 7 days before").

    A period that was given by its ends is called by its length where that is whole days or hours.
    """
    if not period[:1].isdigit():
        days, rest = divmod(length, timedelta(days=1))
        whole = bool(days) and not rest
        if days >= 6 and rest in (timedelta(hours=1), timedelta(hours=23)):  # the clocks changed in between
            days, whole = round(length / timedelta(days=1)), True
        hours, odd = divmod(length, timedelta(hours=1))
        period = f"{days}d" if whole else period if odd else f"{hours}h"
    number, unit = period[:-1], period[-1:]
    noun = {"h": "hour", "d": "day", "w": "week", "y": "year"}.get(unit)
    if not number.isdigit() or noun is None:
        return "this period", "the period before"
    if number == "1":
        return f"this {noun}", f"the {noun} before"
    return f"these {number}{NBSP}{noun}s", f"the {number}{NBSP}{noun}s before"
