"""The door to the hot store's database: opened, migrated, locked and failing as on a bad day, on both databases."""

from __future__ import annotations

import importlib
import multiprocessing
import pkgutil
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import warehouse.hot
from warehouse import clock
from warehouse.errors import (
    BadInputError,
    HotStoreBusyError,
    HotStoreFullError,
    HotStoreUnavailableError,
    HotStoreVersionError,
)
from warehouse.hot.database import Database, parse_url
from warehouse.hot.lease import Lease
from warehouse.hot.metadata import METADATA, from_us, to_us
from warehouse.hot.migrate import known_versions
from warehouse.hot.server_secrets import server_secret
from warehouse.hot.tables import hot_batches, hot_clock


def test_the_migrations_make_the_declared_tables(hot_url: str) -> None:
    for module in pkgutil.iter_modules(warehouse.hot.__path__, "warehouse.hot."):
        importlib.import_module(module.name)  # each declares its tables
    database = Database.open(hot_url)
    with database.engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), METADATA)
    assert [str(one) for one in found] == []
    assert known_versions()[0] == "0001"
    again = Database.open(hot_url, migrate=False)
    with again.read() as connection:
        row = connection.execute(sa.select(hot_clock)).one()
    assert row[:6] == (1, 0, 0, 0, 0, 0)
    assert len(row.store_id) == 16
    again.close()
    database.close()


def _open(url: str, barrier: threading.Barrier) -> None:
    barrier.wait()
    Database.open(url).close()


def test_two_processes_may_open_an_empty_one_at_once(hot_url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(3)
    openers = [spawn.Process(target=_open, args=(hot_url, barrier)) for _ in range(3)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join(60)
    assert [opener.exitcode for opener in openers] == [0, 0, 0]
    Database.open(hot_url, migrate=False).close()


def test_threads_may_open_an_empty_one_at_once(hot_url: str) -> None:
    failures: list[BaseException] = []

    def open_it(barrier: threading.Barrier) -> None:
        try:
            _open(hot_url, barrier)
        except BaseException as error:  # noqa: BLE001 - a thread's failure is the test's
            failures.append(error)

    barrier = threading.Barrier(4)
    threads = [threading.Thread(target=open_it, args=(barrier,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_tables_of_another_release_are_refused(hot_url: str) -> None:
    database = Database.open(hot_url)
    with database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    for migrate in (True, False):
        with pytest.raises(HotStoreVersionError, match="newer release"):
            Database.open(hot_url, migrate=migrate)


def test_a_write_that_raises_leaves_nothing(hot_url: str) -> None:
    database = Database.open(hot_url)

    def change_and_fail() -> None:
        with database.write() as connection:
            connection.execute(sa.update(hot_clock).values(change_no=5))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_fail()
    with database.read() as connection:
        assert connection.execute(sa.select(hot_clock.c.change_no)).scalar_one() == 0
    database.close()


def test_a_read_sees_one_state(hot_url: str) -> None:
    database = Database.open(hot_url)
    wanted = sa.select(hot_clock.c.change_no)
    with database.read() as reader:
        assert reader.execute(wanted).scalar_one() == 0
        with database.write() as writer:
            writer.execute(sa.update(hot_clock).values(change_no=1))
        assert reader.execute(wanted).scalar_one() == 0
    with database.read() as reader:
        assert reader.execute(wanted).scalar_one() == 1
    database.close()


def test_who_waits_too_long_is_told_so(hot_url: str) -> None:
    first = Database.open(hot_url)
    second = Database.open(hot_url, busy_timeout_s=0.05)
    with first.write() as holder:
        holder.execute(sa.update(hot_clock).values(change_no=1))
        with pytest.raises(HotStoreBusyError), second.write() as connection:
            connection.execute(sa.update(hot_clock).values(change_no=2))
    with second.write() as connection:
        connection.execute(sa.update(hot_clock).values(change_no=2))
    first.close()
    second.close()


def test_a_full_disk_is_said_and_got_over(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'state.db'}")
    row = {"batch_no": 1, "rows": 1, "live_rows": 1, "size_bytes": 1, "executions": b"x" * 2_000_000}
    with database.write() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 200")
    with pytest.raises(HotStoreFullError, match="disk of the hot store is full"), database.write() as connection:
        connection.execute(sa.insert(hot_batches), [row])
    with database.write() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 100000")
        connection.execute(sa.insert(hot_batches), [row])
    with database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(hot_batches)).scalar_one() == 1
    database.close()


def test_what_cannot_be_opened_is_said_without_secrets(tmp_path: Path) -> None:
    with pytest.raises(HotStoreUnavailableError):
        Database.open(f"sqlite:///{tmp_path / 'none.db'}", migrate=False)
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "text.db").write_text("this is no database, " * 1000)
    with pytest.raises(HotStoreUnavailableError, match="cannot be used"):
        Database.open(f"sqlite:///{tmp_path / 'text.db'}")
    with pytest.raises(HotStoreUnavailableError) as refused:
        Database.open(f"postgresql://me:hush@/none?host={tmp_path}")
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize("url", ["", "no url", "mysql://me:hush@host/x", "sqlite://", "sqlite:///:memory:"])
def test_urls_that_name_no_hot_store_are_refused(url: str) -> None:
    with pytest.raises(BadInputError) as refused:
        parse_url(url)
    assert "hush" not in str(refused.value)
    assert refused.value.field == "hot_url"


def test_a_lease_has_one_holder_until_it_expires(hot_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database.open(hot_url)
    now = datetime(2026, 3, 1, tzinfo=UTC)
    monkeypatch.setattr(Database, "now", lambda self, connection: now)
    mine, other = Lease(database, "sealer", 60), Lease(database, "sealer", 60)
    assert mine.acquire()
    assert not other.acquire()
    assert mine.acquire()
    now += timedelta(seconds=61)
    with database.write() as connection:
        assert not mine.held_in(connection)
    assert other.acquire()
    assert not mine.acquire()
    mine.release()
    with database.write() as connection:
        assert other.held_in(connection)
    other.release()
    assert mine.acquire()
    database.close()


def test_the_databases_clock_is_about_ours(hot_url: str) -> None:
    database = Database.open(hot_url)
    with database.read() as connection:
        assert abs(database.now(connection) - clock.now()) < timedelta(seconds=30)
    database.close()


def test_a_server_secret_is_made_once(hot_url: str) -> None:
    first, second = Database.open(hot_url), Database.open(hot_url)
    secret = server_secret(first, "cursor")
    assert len(secret) == 32
    assert server_secret(second, "cursor") == secret != server_secret(second, "other")
    first.close()
    second.close()


def test_instants_are_exact() -> None:
    instant = datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert to_us(instant) == -1
    assert from_us(-1) == instant
