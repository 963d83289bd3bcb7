"""Clients that write and read at random, each in a thread, until they are told to stop or their server is gone."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

from tests.fixtures.served_process import Answer, Client
from tests.soak.ledger import ALL, Changes, Ledger, Possible, State
from tests.soak.records import SINCE, UNTIL, body, record, state_of, wrong_parts
from warehouse.schema import FINISHED, STATUSES, Status

GONE: Final = (OSError, http.client.HTTPException)
"""What a client meets when its server is killed."""
_AGAIN: Final = (429, 503)
_FIRST: Final[tuple[Status, ...]] = ("queued", "running", "running", "success", "success", "failed")
_BETWEEN: Final = {"since": SINCE.isoformat(), "until": UNTIL.isoformat()}


class Crew:
    """Threads that end together; `failures` are what they found wrong."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.failures: list[BaseException] = []
        self._threads: list[threading.Thread] = []

    def start(self, act: Callable[[], object], *, once: bool = False) -> None:
        """Do `act` in a thread: once, or again and again until the stop or until the server is gone."""
        thread = threading.Thread(target=self._loop, args=(act, once), daemon=True)
        self._threads.append(thread)
        thread.start()

    def join(self, *, stop: bool = True) -> None:
        """Stop all, or wait for those that work once. Raises the first thing that was wrong."""
        if stop:
            self.stop.set()
        for thread in self._threads:
            thread.join(600)
            assert not thread.is_alive(), "a client hangs"
        if self.failures:
            raise self.failures[0]

    def _loop(self, act: Callable[[], object], once: bool) -> None:
        try:
            while not self.stop.is_set():
                act()
                if once:
                    return
        except GONE as error:
            if once:
                self.failures.append(error)
        except BaseException as error:  # noqa: BLE001 - raised by join()
            self.failures.append(error)
            self.stop.set()


class Writer:
    """Writes executions of its own: new ones, newer states, older states, deletes, refused ones."""

    def __init__(self, name: str, ledger: Ledger, seed: int) -> None:
        self._name, self._ledger = name, ledger
        self._draw = random.Random(seed)
        self._made = 0
        self._ids: list[str] = []
        self._dead: set[str] = set()
        self.asked: Counter[str] = Counter()

    def act(self, client: Client) -> None:
        """One request, drawn."""
        often = [self._create, self._advance] * 4
        acts: list[Callable[[Client], None]] = [*often, self._again, self._delete, self._refused, self._partly]
        acts += [self._log] * 2
        act = self._draw.choice(acts)
        act(client)
        self.asked[act.__name__] += 1

    def changes(self, count: int) -> dict[str, State]:
        """New executions, for whoever writes them."""
        first, self._made = self._made, self._made + count
        made = {f"{self._name}_{number}": State(1, self._draw.choice(_FIRST)) for number in range(first, self._made)}
        self._ids += made
        return made

    def newer(self, count: int) -> dict[str, State]:
        """Newer states of some that are known to be there, unfinished ones first."""
        known = self._ledger.sure(self._draw.sample(self._ids, min(len(self._ids), 8 * count)))
        ordered = sorted(known, key=lambda id_: known[id_].status in FINISHED)
        return {id_: self._next(known[id_]) for id_ in ordered[:count]}

    def _next(self, state: State) -> State:
        if state.status == "queued" and self._draw.random() < 0.5:
            return State(state.version + 1, "running")
        return State(state.version + 1, self._draw.choice(FINISHED))

    def _create(self, client: Client) -> None:
        self._post(client, self.changes(self._draw.randint(1, 40)))

    def _advance(self, client: Client) -> None:
        self._post(client, self.newer(self._draw.randint(1, 30)))

    def _post(self, client: Client, changes: Changes) -> None:
        if not changes:
            return
        records = [record(id_, state) for id_, state in changes.items() if state is not None]
        self._ledger.begin(changes)
        answer = _until_taken(lambda: client.post("/v1/executions", body(records)))
        found = answer.found()
        assert found["accepted"] == len(records), found
        self._ledger.acknowledge(changes)

    def _again(self, client: Client) -> None:
        """What is there already, and an older state of it: nothing changes."""
        known = self._ledger.sure(self._draw.sample(self._ids, min(len(self._ids), 5)))
        if not known:
            return
        older = {
            id_: State(max(1, state.version - self._draw.randint(0, 1)), state.status) for id_, state in known.items()
        }
        same = [id_ for id_, state in known.items() if older[id_] == state]
        records = [record(id_, known[id_] if id_ in same else older[id_]) for id_ in known]
        found = _until_taken(lambda: client.post("/v1/executions", body(records))).found()
        assert found["unchanged"] == len(known), found

    def _log(self, client: Client) -> None:
        """Some lines, sometimes sent twice, as by a client that did not hear the answer."""
        known = sorted(self._ledger.sure(self._draw.sample(self._ids, min(len(self._ids), 5))))
        if not known:
            return
        id_ = known[0]
        lines = {f"{self._name} line {self._made}.{self.asked['_log']}.{number}" for number in range(3)}
        self._ledger.begin_lines(id_, lines)
        at = SINCE.isoformat()
        sent = [{"timestamp": at, "level": "info", "message": line} for line in sorted(lines)]
        for _ in range(self._draw.choice([1, 1, 2])):
            answer = _until_taken(lambda: client.post(f"/v1/executions/{id_}/logs", json.dumps(sent).encode()))
            assert answer.found()["accepted"] == len(sent), answer.body
        self._ledger.acknowledge_lines(id_, lines)

    def _delete(self, client: Client) -> None:
        known = self._ledger.sure(self._draw.sample(self._ids, min(len(self._ids), 10)))
        done = [id_ for id_, state in known.items() if state.status in FINISHED]
        if not done:
            return
        changes: dict[str, Possible] = {done[0]: None}
        self._ledger.begin(changes)
        answer = _until_taken(lambda: client.delete(f"/v1/executions/{done[0]}"))
        # Asked again after a 503 it may be gone already.
        assert answer.status in (204, 404), answer.body
        self._ledger.acknowledge(changes)
        self._ids.remove(done[0])

    def _refused(self, client: Client) -> None:
        bad = [{"id": f"{self._name}_refused_{self._draw.getrandbits(40)}", "status": "running"} for _ in range(3)]
        answer = _until_taken(lambda: client.post("/v1/executions", body(bad)))
        assert answer.status == 400, answer.body
        assert answer.json()["error"]["rejected"] == 3, answer.body

    def _partly(self, client: Client) -> None:
        """Half of it is refused, the other half counts."""
        changes = self.changes(4)
        records = [record(id_, state) for id_, state in changes.items()]
        mixed = [part for one in records for part in (one, {**one, "id": f"{one['id']}_refused", "status": "broken"})]
        self._ledger.begin(changes)
        answer = _until_taken(lambda: client.post("/v1/executions", body(mixed)))
        assert answer.status == 207, answer.body
        assert (answer.json()["accepted"], answer.json()["rejected"]) == (4, 4), answer.body
        self._ledger.acknowledge(changes)


class Reader:
    """Asks, and holds what it is told against what may be true."""

    def __init__(self, ledger: Ledger, ids: Callable[[], Sequence[str]], seed: int) -> None:
        self._ledger, self._ids = ledger, ids
        self._draw = random.Random(seed)
        self.asked: Counter[str] = Counter()

    def act(self, client: Client) -> None:
        """One question, drawn."""
        acts = [self._statistics] * 3 + [self._total] * 3 + [self._detail] * 4 + [self._export]
        act = self._draw.choice(acts)
        act(client)
        self.asked[act.__name__] += 1

    def _statistics(self, client: Client) -> None:
        with self._ledger.window() as window:
            found = client.get("/v1/executions/statistics", _BETWEEN).found()
            counts = Counter({ALL: found["totalExecutions"], **found["byStatus"]})
            assert sum(bucket["executions"] for bucket in found["data"]) == found["totalExecutions"], found
            for kind in (ALL, *STATUSES):
                low, high = window.least[kind], window.most[kind]
                assert low <= counts[kind] <= high, f"statistics: {counts[kind]} {kind}, not {low}..{high}"

    def _total(self, client: Client) -> None:
        kind = self._draw.choice([ALL, *STATUSES])
        asked: dict[str, Any] = {"limit": 100} | ({} if kind == ALL else {"filter[status]": kind})
        with self._ledger.window() as window:
            found = client.get("/v1/executions", asked).found()
            total, low, high = found["pagination"]["total"], window.least[kind], window.most[kind]
        assert low <= total <= high, f"list: {total} {kind}, not {low}..{high}"
        ids = [row["id"] for row in found["data"]]
        assert len(set(ids)) == len(ids), f"twice in a page: {Counter(ids).most_common(3)}"
        assert len(ids) == min(total, 100), f"{len(ids)} rows of {total}"
        assert kind == ALL or {row["status"] for row in found["data"]} <= {kind}

    def _export(self, client: Client) -> None:
        with self._ledger.window() as window:
            rows = exported(client)
            low, high = window.least[ALL], window.most[ALL]
        assert low <= len(rows) <= high, f"export: {len(rows)}, not {low}..{high}"

    def _detail(self, client: Client) -> None:
        ids = self._ids()
        if not ids:
            return
        id_ = self._draw.choice(ids)
        before = self._ledger.possible(id_)
        answer = client.get(f"/v1/executions/{id_}", {"include": "data,error"})
        after = self._ledger.possible(id_)
        if answer.status == 404:
            assert None in (*before, *after), f"{id_} is not found, it is one of {before}"
            return
        found = answer.found()
        state = state_of(found)
        assert not (wrong := wrong_parts(found)), f"{id_} at {state}: {wrong}"
        least = min(one.version if one is not None else 0 for one in before)
        # Newer than all we know of is possible too: begun and acknowledged while the answer was on its way.
        assert state.version >= least, f"{id_} is {state}, older than all of {before}"
        assert state in (*before, *after) or state.version > least, f"{id_} is {state}, none of {before}, {after}"


def exported(client: Client) -> dict[str, State]:
    """Everything, by id. Raises AssertionError when an id is there twice."""
    answer = client.get("/v1/executions/export", {"format": "ndjson"})
    assert answer.status == 200, answer.body[:500]
    rows = [json.loads(line) for line in answer.body.splitlines()]
    found = {row["id"]: state_of(row) for row in rows}
    twice = [id_ for id_, count in Counter(row["id"] for row in rows).items() if count > 1]
    assert not twice, f"twice in an export: {twice[:5]}"
    return found


def _until_taken(ask: Callable[[], Answer]) -> Answer:
    """Ask until the server is not too busy, at most a minute."""
    deadline = time.monotonic() + 60
    while (answer := ask()).status in _AGAIN and time.monotonic() < deadline:
        assert "retry-after" in answer.headers, f"{answer.status} without Retry-After: {answer.body!r}"
        time.sleep(min(1.0, float(answer.headers["retry-after"])))
    return answer
