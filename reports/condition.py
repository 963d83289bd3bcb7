"""Conditions on a report: `failures>10`, `success_rate<95%`, `tone=bad`, joined by `and` or by `or`.

A number that a report does not have (the success rate of nothing) meets no condition.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, get_args

from reports.model import ReportModel, Tone
from warehouse.errors import BadInputError

CONDITION_CHARS: Final = 300
_TERM: Final = re.compile(r"\s*([a-z_0-9]+)\s*(<=|>=|!=|<|>|=)\s*([a-z]+|\d{1,12}(?:\.\d{1,6})?)\s*(%|ms|s|min|h)?\s*")
_JOIN: Final = re.compile(r"\s+(and|or)\s+")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}
_COMPARED: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
}


@dataclass(frozen=True, slots=True)
class _Number:
    """What a name stands for, and the units its limit may have (the empty one: none)."""

    of: Callable[[ReportModel], float | None]
    units: tuple[str, ...] = ("",)


def _metric(key: str) -> Callable[[ReportModel], float | None]:
    return lambda model: next((metric.value for metric in model.metrics if metric.key == key), None)


NUMBERS: Final[Mapping[str, _Number]] = {
    "executions": _Number(lambda model: sum(point.executions for point in model.points)),
    "failures": _Number(lambda model: sum(point.failures for point in model.points)),
    "success_rate": _Number(_metric("success_rate"), ("%", "")),
    "new_errors": _Number(lambda model: sum(row.is_new for row in model.errors)),
    "incidents": _Number(lambda model: len(model.incidents)),
    "regressions": _Number(lambda model: len(model.regressions)),
    "p50": _Number(_metric("p50"), tuple(_SECONDS)),
    "p95": _Number(_metric("p95"), tuple(_SECONDS)),
}
"""Names and what they stand for. new_errors counts groups that the report lists; of these the new ones come first."""


@dataclass(frozen=True, slots=True)
class _Term:
    """One comparison."""

    name: str
    sign: str
    limit: float | Tone

    def holds(self, model: ReportModel) -> bool:
        if self.name == "tone":
            return (model.verdict.tone == self.limit) == (self.sign == "=")
        value = NUMBERS[self.name].of(model)
        assert not isinstance(self.limit, str)
        return value is not None and _COMPARED[self.sign](value, self.limit)


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that was parsed."""

    text: str
    terms: tuple[_Term, ...]
    all_of: bool
    """Joined by `and`; else by `or`."""

    def holds(self, model: ReportModel) -> bool:
        """Does this report meet it?"""
        found = (term.holds(model) for term in self.terms)
        return all(found) if self.all_of else any(found)


def parse_condition(text: str) -> Condition:
    """The condition that a text means. Raises BadInputError that says what can be said."""
    if len(text) > CONDITION_CHARS:
        raise BadInputError(
            f"the condition has {len(text)} characters; at most {CONDITION_CHARS} are allowed", field="onlyWhen"
        )
    pieces = _JOIN.split(text)
    joins = set(pieces[1::2])
    if len(joins) > 1:
        raise _wrong(text, "it joins by both `and` and `or`; use one of them")
    return Condition(text, tuple(_term(text, piece) for piece in pieces[::2]), joins != {"or"})


def _term(text: str, piece: str) -> _Term:
    match = _TERM.fullmatch(piece)
    if match is None:
        raise _wrong(text, f"{piece.strip()[:60]!r} is no comparison")
    name, sign, limit, unit = match[1], match[2], match[3], match[4] or ""
    if name == "tone":
        if sign not in ("=", "!=") or limit not in get_args(Tone) or unit:
            raise _wrong(text, f"tone is compared by = or != with {', '.join(get_args(Tone))}")
        return _Term(name, sign, limit)  # type: ignore[arg-type]
    if name not in NUMBERS:
        raise _wrong(text, f"{name[:60]!r} is not known")
    if limit.isalpha():
        raise _wrong(text, f"{name} is compared with a number, not with {limit[:60]!r}")
    units = NUMBERS[name].units
    if unit not in units:
        wanted = "no unit" if units == ("",) else "one of " + ", ".join(one or "none" for one in units)
        raise _wrong(text, f"the number of {name} wants {wanted}, not {unit or 'none'!r}")
    value = float(limit) * (0.01 if unit == "%" else _SECONDS.get(unit, 1.0))
    if name == "success_rate" and value > 1:
        raise _wrong(text, "success_rate is a ratio from 0 to 1, or a percentage such as 95%")
    return _Term(name, sign, value)


def _wrong(text: str, why: str) -> BadInputError:
    names = ", ".join((*NUMBERS, "tone"))
    return BadInputError(
        f"the condition {text[:100]!r} cannot be used: {why}. It compares {names} by < <= > >= = != with a number, "
        "such as `failures>10 and success_rate<95%`, `p95>30s` or `tone=bad`",
        field="onlyWhen",
        value=text,
    )
