"""Findings about what lasts: workflows that became slower or faster and stayed so, failures that no retry healed."""

from __future__ import annotations

from reports import format as fmt
from reports import rules
from reports.facts import Facts, quote
from reports.model import Regression, Sentence

OPEN_MIN = 10
"""Fewer failures are told by the section alone."""


def slower(facts: Facts) -> list[Sentence]:
    """What became slower and stayed so; by the means of both periods where nothing could be tested."""
    if not facts.tested:
        return rules.slower_workflows(facts)
    if not facts.regressions:
        return []
    row = facts.regressions[0]
    others = len(facts.regressions) - 1
    more = f" {fmt.plural(others, 'other workflow').capitalize()} became slower too." if others else ""
    text = f"{sentence(row, facts)}, {fmt.duration(row.total_s)} of run time lost since then.{more}"
    return [Sentence("regression", "bad", text, "regressions")]


def faster(facts: Facts) -> Sentence | None:
    """What became faster and stayed so."""
    if not facts.improvements:
        return None
    row = facts.improvements[0]
    text = f"{sentence(row, facts)}, {fmt.duration(-row.total_s)} of run time saved since then."
    return Sentence("improvement", "good", text, "regressions")


def sentence(row: Regression, facts: Facts) -> str:
    """How one workflow changed, without the full stop."""
    since = fmt.short_instant(row.since, facts.statistics.timezone)
    size = fmt.times(row.ratio) if row.ratio >= 2 else f"{fmt.relative(row.ratio - 1)} longer"
    size = size if row.slower else f"{fmt.relative(row.ratio - 1)} shorter"
    size = f"{size} as long" if row.slower and row.ratio >= 2 else size
    return (
        f"{quote(row.name)} takes {size} since {since}: typically {fmt.duration(row.after_s)} instead of "
        f"{fmt.duration(row.before_s)}"
    )


def still_failing(facts: Facts) -> Sentence | None:
    """Failures that a retry healed, apart from those that are still open."""
    found = facts.retries
    if found is None or found.failures < OPEN_MIN or not found.healed:
        return None
    still = found.failures - found.healed
    text = (
        f"{fmt.count(found.healed)} of {fmt.plural(found.failures, 'failure')} later succeeded on retry; "
        f"{fmt.count(still)} {'is' if still == 1 else 'are'} still failing."
    )
    return Sentence("still_failing", "watch" if still else "good", text, "retries")
