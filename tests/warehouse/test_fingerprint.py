"""The rule behind `executions.error_fingerprint`: what meets in one group and what stays apart."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse import duck

SCALE = int(os.environ.get("RUNLAKE_TEST_SCALE", "1"))
"""`make soak` sets it: how many times the examples of an ordinary run."""


@pytest.fixture(scope="module")
def session() -> Iterator[duck.Session]:
    session = duck.connect()
    yield session
    session.close()


def fingerprint(session: duck.Session, error_type: str | None, message: str | None) -> str | None:
    [(found,)] = session.rows("SELECT error_fingerprint($type, $message)", {"type": error_type, "message": message})
    assert found is None or isinstance(found, str)
    return found


def template(session: duck.Session, message: str) -> str:
    [(found,)] = session.rows("SELECT error_template($message)", {"message": message})
    return str(found)


ALIKE = [
    ("Invoice INV-2380 has no VAT id", "Invoice I2 has no VAT id"),
    ("Order rejected: poison flag set for ord-652 [line 4]", "Order rejected: poison flag set for A3 [line 12]"),
    ("Cannot read properties (reading 'y') [line 2]", "Cannot read properties (reading 'map') [line 31]"),
    ("connect ECONNREFUSED 127.0.0.1:5432", "connect ECONNREFUSED ::1:5678"),
    ("connect ECONNREFUSED 10.0.0.7:5432", "connect ECONNREFUSED redis:6379"),
    ("getaddrinfo ENOTFOUND postgres", "getaddrinfo ENOTFOUND api.example.com"),
    ("timeout of 30000ms exceeded", "timeout of 500ms exceeded"),
    ('404 - "{\\"id\\":17}"', '404 - "{\\"id\\":99,\\"a'),
    ("missing 'a', 'b' and 'c'", "missing 'z'"),
    ("expired at 2026-11-23T10:00:00.123Z", "expired at 2025-01-02 03:04:05+02:00"),
    ("bad date Mon Nov 23 2026 17:53:00 GMT+0000 (Universal Time)", "bad date Tue Dec 1 2026 01:02:03 GMT+0100"),
    ("user bob.smith+x@mail.example.org not found", "user eve@x.io not found"),
    ("GET https://api.x.io/v1/a?b=1 failed", "GET http://10.0.0.1:80/ failed"),
    ("execution 6f1c2e34-aaaa-bbbb-cccc-0123456789ab is gone", "execution 4711 is gone"),
    ("Workflow o2FhBrzz1RZFZs6k not found", "Workflow wf_abcdef123456 not found"),
    ("ids 1, 2, 3 are missing", "ids 7 are missing"),
    ("The value -5 is below 0", "The value +3.25 is below 1e3"),
    ("too   many\n\trequests ", "Too many requests"),
    ("x" * 400 + " first", "x" * 400 + " second"),
]  # fmt: skip

APART = [
    ("Request failed with status code 404", "Request failed with status code 500"),
    ("404 - \"{}\"", "503 - \"{}\""),
    ("HTTP 502 from upstream", "HTTP 504 from upstream"),
    ("connect ECONNREFUSED 10.0.0.7:5432", "connect ETIMEDOUT 10.0.0.7:5432"),
    ("this.foo.bar is not a function", "this.foo.baz is not a function"),
    ("socket hang up", "Workflow did not finish, possible out-of-memory issue"),
    ("doesn't exist and can't be made", "doesn't exist and won't be made"),
    ("Customer 22 is blocked", "Customer 22 is unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_what_differs_in_values_only_is_one_group(session: duck.Session, one: str, other: str) -> None:
    assert template(session, one) == template(session, other)
    assert fingerprint(session, "Error", one) == fingerprint(session, "Error", other)


@pytest.mark.parametrize(("one", "other"), APART)
def test_different_failures_stay_apart(session: duck.Session, one: str, other: str) -> None:
    assert fingerprint(session, "Error", one) != fingerprint(session, "Error", other)


def test_the_type_tells_groups_apart_whatever_its_case(session: duck.Session) -> None:
    assert fingerprint(session, "NodeApiError", "x") != fingerprint(session, "Error", "x")
    assert fingerprint(session, "NodeApiError", "x") == fingerprint(session, " nodeapierror", "x")


def test_null_only_where_there_is_neither_type_nor_message(session: duck.Session) -> None:
    assert fingerprint(session, None, None) is None
    assert fingerprint(session, " ", "") is None
    assert fingerprint(session, "Error", None) is not None
    assert fingerprint(session, None, "boom") is not None
    assert fingerprint(session, "Error", None) == fingerprint(session, "Error", " ")


def test_the_value_carries_its_version_and_does_not_change(session: duck.Session) -> None:
    found = fingerprint(session, "Error", "Customer 22 is blocked")
    assert found is not None
    assert re.fullmatch(r"v1:[0-9a-f]{16}", found)
    # Stored in lakes: a change here needs a new version of the rule.
    assert found == "v1:194667d498245194"


@settings(max_examples=80 * SCALE, deadline=None)
@given(st.text(max_size=300))
def test_any_text_has_a_template_that_repeats_and_holds_no_digit(session: duck.Session, message: str) -> None:
    message = message.replace("\0", "")
    found = template(session, message)
    assert len(found) <= 300
    assert not re.search(r"[0-9]", found)
    assert template(session, message.upper() if message.upper().lower() == message.lower() else message) == found


def test_a_fork_of_a_session_knows_the_rule(session: duck.Session) -> None:
    fork = session.fork()
    assert fingerprint(fork, "Error", "x") == fingerprint(session, "Error", "x")
    fork.close()
