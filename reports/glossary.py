"""What every number of a report means: one entry a term, with its formula."""

from __future__ import annotations

from reports import compare, regressions
from reports.model import GlossaryEntry

GLOSSARY: tuple[GlossaryEntry, ...] = (
    GlossaryEntry(
        "executions",
        "Executions",
        "count of all executions of the period",
        "Queued and running ones included. An execution belongs to the instant it started, or was created if it has "
        "not started; intervals include their beginning and exclude their end.",
    ),
    GlossaryEntry(
        "status",
        "Status",
        "queued, running, success, failed, timeout or cancelled",
        "A waiting execution is running. The first two are unfinished, the other four are finished.",
    ),
    GlossaryEntry(
        "failures",
        "Failures",
        "failed + timeout + cancelled",
        "Every finished execution that did not succeed.",
    ),
    GlossaryEntry(
        "success_rate",
        "Success rate",
        "success ÷ (success + failed + timeout + cancelled)",
        "Unfinished executions are left out. Without a finished execution there is no rate.",
    ),
    GlossaryEntry(
        "duration",
        "Duration",
        "stopped − started, in wall-clock time",
        "Of finished executions; crashed ones have none, because nobody saw them stop. Waiting is included, queueing "
        "is not.",
    ),
    GlossaryEntry(
        "percentiles",
        "p50, p95, p99",
        "the duration that 50, 95 or 99 of 100 executions did not exceed",
        "Linear between ranks, relative error at most 1 %. Taken over all executions of the period (and of the period "
        "before), never averaged from the steps.",
    ),
    GlossaryEntry("average", "Average", "sum of durations ÷ executions with a duration", "One very long run moves it."),
    GlossaryEntry(
        "queue_time",
        "Queue time",
        "mean of the time between creation and start",
        "Only of executions that recorded it.",
    ),
    GlossaryEntry(
        "total_time",
        "Total run time, share of time",
        "sum of durations; a part's sum ÷ the sum of all",
        "A workflow's share of time is its impact: how often × how long. What is high here is worth making faster "
        "first.",
    ),
    GlossaryEntry(
        "time_saved",
        "Time saved, time lost",
        "sum over workflows of (mean duration before − mean duration now) × executions with a duration now",
        "What the workflows' own getting faster or slower saved or cost; running more or less often is no part of it. "
        "Workflows that have no duration in one of the two periods are left out.",
    ),
    GlossaryEntry(
        "regression",
        "Slower since, faster since",
        f"the medians of even blocks of time before and after an instant differ with a probability of error of at most "
        f"{regressions.ALPHA * 100:.0f} % for the whole report, by {(regressions.MIN_RATIO - 1) * 100:.0f} % or more",
        "Logarithms of the medians of blocks (1 hour, 6 hours or 1 day, at least "
        f"{regressions.BLOCK_MIN} executions), minus the usual value of the same hour of the week in the weeks before. "
        "The instant with the largest Mann-Whitney statistic, then Welch's t of the clipped values, its error widened "
        "for the correlation of neighbouring blocks, corrected for the instants tried and, after Holm, for the number "
        "of workflows. It has to last until the end of the period.",
    ),
    GlossaryEntry(
        "change",
        "Change",
        "(this period − the period before) ÷ the period before; for rates: the difference in percentage points (pp)",
        "The period before is as long as this one and ends where this one begins. With nothing before there is no "
        "change. At twice the old value or more it is told as a multiple (×).",
    ),
    GlossaryEntry(
        "significance",
        "When a change is coloured",
        f"rates: two-proportion z-test, |z| ≥ {compare.RATE_Z:g}; times: at least {compare.TIME_MIN_RATIO * 100:.0f} % "
        f"and {compare.TIMED_MIN} executions in both periods",
        "Executions and total time are never coloured: more is neither better nor worse. Failures are coloured when "
        "the success rate changed.",
    ),
    GlossaryEntry(
        "incident",
        "Failure peak",
        "at least 10 failures, three times the usual number, twice the usual rate, five standard deviations above it",
        "In a step of the series, or in an hour where the steps are days. Usual is the median over those that have "
        "finished executions; the standard deviation is that of a Poisson count. Neighbouring ones are one peak.",
    ),
    GlossaryEntry(
        "exclusive_time",
        "Own time of a node",
        "the time of its runs, minus the time in which later-started runs of the same execution were under way",
        "Every instant of an execution belongs to one run, the one that started last, so the sum over the nodes is the "
        "time along one path from the begin to the end of the execution; a parent that waits for others is not blamed "
        "for their time. Share: own time ÷ own time of all nodes.",
    ),
    GlossaryEntry(
        "node_failure_rate",
        "Failure rate of a node",
        "runs that ended failed, timeout or cancelled ÷ finished runs",
        "A failed run that was tried again counts.",
    ),
    GlossaryEntry(
        "execution_share",
        "Used in (share of executions)",
        "executions in which the node ran ÷ all executions of its workflow",
        "",
    ),
    GlossaryEntry(
        "error_group",
        "Error group",
        "unsuccessful executions with the same type and message after numbers, ids, host names and quoted text are "
        "taken out",
        "New: its first execution in the whole lake is inside the period.",
    ),
    GlossaryEntry(
        "retry",
        "Later succeeded, still failing",
        "failures after which an execution of the same family succeeded; all other failures",
        "A family is an execution, its retries and theirs. Retries may come after the end of the period, so the "
        "numbers of a young period still change. Of them, never tried again: without any later attempt.",
    ),
    GlossaryEntry(
        "heat",
        "Hours of the week",
        "executions (failures) placed in an hour of the week ÷ how many of that hour the period holds",
        "By the clock of the report's time zone. The hour that comes twice when summer time ends counts as two.",
    ),
    GlossaryEntry(
        "queue",
        "Waiting, running at a time",
        "mean over time of the executions between creation and start, between start and stop",
        "Exact over full minutes; the peak is the most at a full minute (a quarter of an hour beyond 93 days). What "
        "was placed more than a day before the period is left out, and what ended unseen.",
    ),
    GlossaryEntry(
        "memory",
        "Memory, data",
        "percentiles of the peak memory of executions; sum of the sizes of their data",
        "Of executions that recorded it. Percentiles as for durations.",
    ),
    GlossaryEntry(
        "as_of",
        "Data as of",
        "the newest update of any record in the lake",
        "What happened later is not in this report.",
    ),
)
