"""The findings of a report, written from the numbers by fixed rules: the same numbers give the same sentences.

Each rule has a minimum count below which it says nothing, so that noise is not announced. A section's summary is its
one sentence of what changed and what to look at (reports.summaries).
"""

from __future__ import annotations

from collections.abc import Sequence

from reports import compare, lasting, rules
from reports import format as fmt
from reports.facts import Facts, number_word
from reports.model import Sentence, Tone

LOW_RATE = 0.9


def headline(facts: Facts) -> tuple[Sentence, ...]:
    """All findings, what got worse first, then what asks for a look, what is neutral, what got better."""
    if facts.statistics.totals.executions == 0:
        return ()
    found = [
        *_optional(rules.success(facts)),
        *_optional(rules.incident(facts)),
        *rules.failing_workflows(facts),
        *_optional(rules.new_errors(facts)),
        *_optional(rules.overall_time(facts)),
        *lasting.slower(facts),
        *rules.stopped(facts),
        *_optional(rules.bottleneck(facts)),
        *_optional(lasting.still_failing(facts)),
        *_optional(lasting.faster(facts)),
        *_optional(rules.volume(facts)),
    ]
    order: dict[Tone, int] = {"bad": 0, "watch": 1, "neutral": 2, "good": 3}
    return tuple(sorted(found, key=lambda sentence: order[sentence.tone]))


def _optional(sentence: Sentence | None) -> tuple[Sentence, ...]:
    return () if sentence is None else (sentence,)


def verdict(facts: Facts, findings: Sequence[Sentence]) -> Sentence:
    """The one sentence on top: does anything need somebody?"""
    totals = facts.statistics.totals
    this, _ = facts.words
    if totals.executions == 0:
        before = facts.statistics.previous.executions
        tail = f"; there were {fmt.plural(before, 'execution')} in the period before" if before else ""
        return Sentence("empty", "watch" if before else "neutral", f"No execution was recorded in {this}{tail}.", None)
    bad = [finding for finding in findings if finding.tone == "bad"]
    count = fmt.plural(totals.executions, "execution")
    if bad:
        things = "One thing needs" if len(bad) == 1 else f"{number_word(len(bad))} things need"
        return Sentence("attention", "bad", f"{things} attention among the {count} of {this}.", None)
    if totals.finished == 0:
        return Sentence("unfinished", "neutral", f"{count} in {this}, none of them finished yet.", None)
    if totals.failures == 0:
        return Sentence("all_well", "good", f"All went well: none of the {count} of {this} failed.", None)
    if totals.finished < compare.RATE_MIN_FINISHED:
        outcome = f"{fmt.count(totals.successes)} succeeded, {fmt.count(totals.failures)} failed"
        return Sentence("few", "neutral", f"Only {count} in {this}, too few to judge: {outcome}.", None)
    rate = fmt.percent(totals.success_rate)
    if (totals.success_rate or 0.0) < LOW_RATE:
        return Sentence("low_rate", "watch", f"Only {rate} of the finished executions of {this} succeeded.", None)
    return Sentence(
        "steady", "good", f"Nothing stands out: {rate} of the finished executions of {this} succeeded.", None
    )
