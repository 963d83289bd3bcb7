"""What waits to be acknowledged: whatever gets through or does not, the server learns what it has to."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from api.simulate.board import Board, Latencies
from api.simulate.outbox import Kind, LogBox, Outbox, Report

STEPS: tuple[Kind, ...] = ("queued", "started", "progress", "progress", "ended", "ended")
"""What is reported of each execution, one after the other."""


def report(id: str, kind: Kind, number: int, told: list[tuple[str, int]]) -> Report:
    record: dict[str, Any] = {"id": id, "number": number}
    return Report(kind, record, float(number), (lambda _: told.append((id, number)),))


class Sender:
    """Takes reports, and does with them what it is told."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.under_way: list[list[Report]] = []
        self.acknowledged = defaultdict[str, list[Report]](list)

    def take(self, limit: int) -> None:
        if taken := self.outbox.take(limit):
            self.under_way.append(taken)
        ids = [one.id for batch in self.under_way for one in batch]
        assert len(ids) == len(set(ids)), "two reports of an execution are under way"

    def settle(self, number: int, *, fails: bool) -> None:
        batch = self.under_way.pop(number % len(self.under_way))
        if fails:
            self.outbox.give_back(batch)
            return
        for one in batch:
            self.acknowledged[one.id].append(one)
            self.outbox.settle(one, accepted=True)

    def finish(self) -> None:
        while self.under_way:
            self.settle(0, fails=True)
        while len(self.outbox):
            self.take(2)
            self.settle(0, fails=False)


@given(st.lists(st.tuples(st.sampled_from(["put", "take", "settle", "fail"]), st.integers(0, 3)), max_size=120))
def test_each_execution_is_told_from_beginning_to_end_in_order(moves: list[tuple[str, int]]) -> None:
    sender, step = Sender(Outbox()), defaultdict[str, int](int)
    told: list[tuple[str, int]] = []
    for move, number in moves:
        name = f"exec_{number}"
        if move == "put" and step[name] < len(STEPS):
            sender.outbox.put(report(name, STEPS[step[name]], step[name], told))
            step[name] += 1
        elif move == "take":
            sender.take(1 + number)
        elif move in ("settle", "fail") and sender.under_way:
            sender.settle(number, fails=move == "fail")
    sender.finish()
    for name, count in step.items():
        reports = sender.acknowledged[name]
        numbers = [one.record["number"] for one in reports]
        assert numbers == sorted(set(numbers))
        assert numbers[-1:] == list(range(count))[-1:], "the last state is not known"
        assert sorted(number for one, number in told if one == name) == list(range(count)), "somebody was not told"
        always = {"queued", "started", "ended"}
        assert {one.kind for one in reports} & always == set(STEPS[:count]) & always


def test_progress_that_was_not_sent_is_replaced_and_dated_by_the_first() -> None:
    outbox = Outbox()
    kinds: tuple[Kind, ...] = ("started", "progress", "progress", "ended")
    for number, kind in enumerate(kinds):
        outbox.put(report("a", kind, number, []))
    assert len(outbox) == 1
    (first,) = outbox.take(10)
    assert (first.kind, first.record["number"], first.since_s) == ("started", 2, 0.0)
    assert outbox.take(10) == []
    outbox.settle(first, accepted=True)
    (last,) = outbox.take(10)
    assert (last.kind, last.record["number"]) == ("ended", 3)
    outbox.settle(last, accepted=False)
    assert len(outbox) == 0


def test_log_lines_wait_for_the_end_or_for_a_while_and_until_the_execution_is_known() -> None:
    async def scene() -> None:
        logs = LogBox()
        logs.put("ended", [{"n": 1}], 1.0)
        logs.put("running", [{"n": 1}], 2.0)
        logs.put("unknown", [{"n": 1}], 2.0)
        waiting = asyncio.create_task(logs.some(3))
        logs.know("running", ended=False)
        await asyncio.sleep(0)
        assert (len(logs), waiting.done()) == (3, False)
        logs.know("ended", ended=True)
        assert await waiting == ["ended"]
        logs.ripen(2.0)
        assert await logs.some(3) == ["ended"]
        logs.ripen(2.1)
        assert await logs.some(3) == ["ended", "running"]
        logs.know("unknown", ended=False)
        assert await logs.some(3) == ["ended", "running", "unknown"]
        lines = logs.take("running")
        logs.put("running", [{"n": 2}], 3.0)
        logs.give_back("running", lines, known=True)
        assert await logs.some(3) == ["ended", "unknown", "running"]
        assert logs.take("running") == [{"n": 1}, {"n": 2}]
        unsent = logs.take("unknown")
        logs.give_back("unknown", unsent, known=False)
        assert await logs.some(3) == ["ended"]
        logs.know("unknown", ended=False)
        assert await logs.some(1) == ["ended"]
        assert logs.take("unknown") + logs.take("ended") == [{"n": 1}, {"n": 1}]
        assert (len(logs), logs.take("ended")) == (0, [])

    asyncio.run(scene())


def test_quantiles_are_within_three_percent() -> None:
    latencies = Latencies()
    assert latencies.quantile_ms(0.5) is None
    for number in range(1, 1001):
        latencies.add(number / 1000)
    for share in (0.01, 0.5, 0.95, 1.0):
        found_ms = latencies.quantile_ms(share)
        assert found_ms is not None
        assert abs(found_ms / (1000 * share) - 1) < 0.03


def test_an_end_that_is_told_twice_counts_once() -> None:
    board = Board()
    board.alive["a"] = None
    for status in ("queued", "running", "success", "success"):
        board.acknowledged("a", status, 0.0)
    assert (board.by_status(), board.records) == ({"success": 1}, 4)
