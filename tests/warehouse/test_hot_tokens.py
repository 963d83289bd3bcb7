"""Tokens in the hot store, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from warehouse.clock import now
from warehouse.errors import BadInputError
from warehouse.hot.database import Database
from warehouse.hot.probe import prove_writable
from warehouse.hot.tokens import (
    create_first_token,
    create_token,
    find_token,
    list_tokens,
    note_uses,
    revoke_token,
    split_token,
)


@pytest.fixture
def database(hot_url: str) -> Iterator[Database]:
    opened = Database.open(hot_url)
    yield opened
    opened.close()


def test_a_token_is_found_by_its_id_and_opens_with_its_secret_alone(database: Database) -> None:
    end = now() + timedelta(days=1)
    made, text = create_token(database, "grafana", ["reports:read", "executions:read"], expires_at=end)
    other, other_text = create_token(database, "other", ["admin"], workflow_ids=["wf_2", "wf_1"])
    parts, other_parts = split_token(text), split_token(other_text)
    assert parts is not None
    assert other_parts is not None
    found = find_token(database, parts[0])
    assert found == made
    assert found.opens(parts[1])
    assert not found.opens(other_parts[1])
    assert not found.opens(parts[1].upper())
    assert found.scopes == {"executions:read", "reports:read"}
    assert found.workflow_ids is None
    assert found.expires_at == end
    assert find_token(database, other.token_id) == other
    assert other.workflow_ids == frozenset({"wf_1", "wf_2"})
    assert find_token(database, "000000000000") is None


def test_the_secret_is_nowhere_in_the_database(database: Database) -> None:
    made, text = create_token(database, "one", ["admin"])
    secret = text.rpartition("_")[2]
    assert secret not in repr(list_tokens(database))
    assert bytes.fromhex(secret) not in made.secret_sha256
    assert len(made.secret_sha256) == 32


@pytest.mark.parametrize("text", ["", "rl_", "rl_0_0", "Bearer", "rl_" + "0" * 12 + "_" + "g" * 64, "x" * 10_000])
def test_what_is_no_token_is_told_without_a_look(text: str) -> None:
    assert split_token(text) is None


def test_a_revoked_token_lives_no_more_and_its_name_is_free(database: Database) -> None:
    made, _ = create_token(database, "engine", ["executions:write"])
    with pytest.raises(BadInputError, match="already"):
        create_token(database, "engine", ["executions:write"])
    assert made.lives(now())
    revoked = revoke_token(database, "engine")
    assert revoked.token_id == made.token_id
    assert not revoked.lives(now())
    with pytest.raises(BadInputError, match="no live token"):
        revoke_token(database, "engine")
    again, _ = create_token(database, "engine", ["executions:write"])
    assert revoke_token(database, again.token_id).revoked_at is not None
    assert [token.revoked_at is None for token in list_tokens(database)] == [False, False]


def test_a_name_that_looks_like_an_id_does_not_hide_that_token(database: Database) -> None:
    first, _ = create_token(database, "first", ["admin"])
    create_token(database, first.token_id, ["admin"])
    assert revoke_token(database, first.token_id).name == "first"


def test_an_expired_token_does_not_live(database: Database) -> None:
    end = now()
    made, _ = create_token(database, "short", ["admin"], expires_at=end)
    assert not made.lives(end)
    assert made.lives(end - timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("name", "scopes", "workflow_ids"),
    [("", ["admin"], None), ("a\nb", ["admin"], None), ("x" * 101, ["admin"], None), ("a", [], None), ("a", ["b"], [])],
)
def test_a_token_that_makes_no_sense_is_refused(
    database: Database, name: str, scopes: list[str], workflow_ids: list[str] | None
) -> None:
    with pytest.raises(BadInputError):
        create_token(database, name, scopes, workflow_ids=workflow_ids)
    assert list_tokens(database) == []


def test_the_first_token_is_made_once_by_whoever_comes_first(hot_url: str) -> None:
    databases = [Database.open(hot_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda one: create_first_token(one, "admin", ["admin"]), databases))
    assert len([one for one in made if one is not None]) == 1
    assert len(list_tokens(databases[0])) == 1
    revoke_token(databases[0], "admin")
    assert create_first_token(databases[1], "admin", ["admin"]) is None
    for one in databases:
        one.close()


def test_a_use_is_noted_at_most_once_a_minute(database: Database) -> None:
    made, _ = create_token(database, "one", ["admin"])
    at = now()

    def noted() -> object:
        found = find_token(database, made.token_id)
        assert found is not None
        return found.last_used_at

    assert noted() is None
    note_uses(database, {made.token_id: at, "unknown": at})
    assert noted() == at
    note_uses(database, {made.token_id: at + timedelta(seconds=59)})
    assert noted() == at
    note_uses(database, {made.token_id: at + timedelta(seconds=60)})
    assert noted() == at + timedelta(seconds=60)


def test_a_store_can_prove_that_it_takes_writes(database: Database) -> None:
    prove_writable(database)
    prove_writable(database)
