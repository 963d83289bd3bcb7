"""Settings of the command and the server: flag, then environment, then runlake.toml, then default.

`SETTINGS` is the only list of them; the README and `runlake --help` are checked against it. The environment, the
working folder and the home folder are arguments: nothing here reads them on its own.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from warehouse.errors import BadInputError

if TYPE_CHECKING:
    from warehouse.settings import LakeSettings

FILE_NAME: Final = "runlake.toml"
RETAINED: Final = ("executions", "node_runs", "payloads", "logs")
PAYLOAD_POLICIES: Final = ("keep", "redact", "drop")


def _default_retention() -> dict[str, int | None]:
    return {"executions": None, "node_runs": None, "payloads": 30, "logs": 90}


@dataclass(frozen=True, slots=True)
class Config:
    """What holds for one run of the command or the server."""

    lake: str = "./lake"
    """Folder or URI of the lake."""
    threads: int = 0
    """Threads of a query; 0: as many as the process may use."""
    memory_limit_mb: int = 1024
    """Memory of queries, in MiB; beyond it they spill to disk."""
    time_limit_s: float = 60.0
    """Longest a query may take; 0: no limit."""
    timezone: str = "UTC"
    """IANA name: where days and weeks begin, and what a date without a time means."""
    payloads: str = "redact"
    """keep, redact or drop: what ingest does with inputs and outputs."""
    secret_keys: tuple[str, ...] = ()
    """Keys masked in payloads in addition to the built-in list."""
    retention_days: Mapping[str, int | None] = field(default_factory=_default_retention)
    """Days after which `retain` drops the rows of a table; None (0 in the file): kept for ever."""
    vacuum_after_hours: float = 24.0
    """How long files that are no longer live stay, for readers that still use them."""
    storage_options: Mapping[str, str] = field(default_factory=dict)
    """Credentials and endpoint of a bucket."""
    source: Path | None = None
    """The file these came from; None: there was none."""

    def lake_settings(self) -> LakeSettings:
        """The same as the warehouse takes it."""
        from warehouse.duck import DuckSettings
        from warehouse.settings import LakeSettings

        return LakeSettings(
            duck=DuckSettings(
                threads=self.threads, memory_limit_mb=self.memory_limit_mb, time_limit_s=self.time_limit_s
            ),
            storage_options=self.storage_options,
            retention_days={table: self.retention_days[table] for table in RETAINED},
            vacuum_after_hours=self.vacuum_after_hours,
        )


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of runlake.toml and its variable in the environment."""

    key: str
    variable: str | None
    read: Callable[[str, Any], Any]
    """(where it stands, the value as found) -> the value; raises BadInputError."""


def _text(where: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _wrong(where, value, "a text that is not empty")
    return value


def _whole(minimum: int) -> Callable[[str, Any], int]:
    def read(where: str, value: Any) -> int:
        allowed = f"a whole number of at least {minimum}"
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise _wrong(where, value, allowed)
        try:
            number = int(value)
        except ValueError:
            raise _wrong(where, value, allowed) from None
        if number < minimum:
            raise _wrong(where, value, allowed)
        return number

    return read


def _seconds(where: str, value: Any) -> float:
    allowed = "a number of at least 0"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _wrong(where, value, allowed)
    try:
        number = float(value)
    except ValueError:
        raise _wrong(where, value, allowed) from None
    if not 0 <= number < float("inf"):
        raise _wrong(where, value, allowed)
    return number


def _timezone(where: str, value: Any) -> str:
    from zoneinfo import ZoneInfo

    name = _text(where, value)
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise _wrong(where, value, "an IANA time zone such as Europe/Berlin") from None
    return name


def _payloads(where: str, value: Any) -> str:
    if value not in PAYLOAD_POLICIES:
        raise _wrong(where, value, "keep, redact or drop")
    return str(value)


def _keys(where: str, value: Any) -> tuple[str, ...]:
    found = value.split(",") if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(key, str) and key.strip() for key in found):
        raise _wrong(where, value, 'a list of key names such as ["pin", "iban"]')
    return tuple(key.strip() for key in found)


def _retention(where: str, value: Any) -> dict[str, int | None]:
    if not isinstance(value, dict):
        raise _wrong(where, value, "a table with days for " + ", ".join(RETAINED))
    kept = _default_retention()
    for table, days in value.items():
        if table not in RETAINED:
            raise _unknown(f"{where}.{table}", table, RETAINED)
        kept[table] = _whole(0)(f"{where}.{table}", days) or None
    return kept


def _options(where: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise _wrong(where, "…", "a table of texts")  # the values are credentials: never shown
    return dict(value)


SETTINGS: Final[tuple[Setting, ...]] = (
    Setting("lake", "RUNLAKE_HOME", _text),
    Setting("threads", "RUNLAKE_THREADS", _whole(0)),
    Setting("memory_limit_mb", "RUNLAKE_MEMORY_LIMIT_MB", _whole(64)),
    Setting("time_limit_s", "RUNLAKE_TIME_LIMIT_S", _seconds),
    Setting("timezone", "RUNLAKE_TIMEZONE", _timezone),
    Setting("payloads", "RUNLAKE_PAYLOADS", _payloads),
    Setting("secret_keys", "RUNLAKE_SECRET_KEYS", _keys),
    Setting("retention_days", None, _retention),
    Setting("vacuum_after_hours", "RUNLAKE_VACUUM_AFTER_HOURS", _seconds),
    Setting("storage_options", None, _options),
)

CONFIG_VARIABLE: Final = "RUNLAKE_CONFIG"
"""Names the settings file; without it the first of `candidates` that exists is taken."""
DEBUG_VARIABLE: Final = "RUNLAKE_DEBUG"
"""Not empty: errors come with their traceback."""


def candidates(environ: Mapping[str, str], cwd: Path, home: Path) -> tuple[Path, ...]:
    """Where the settings file is looked for, first match wins: the working folder, then the user's config folder."""
    config_home = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    return (cwd / FILE_NAME, config_home / "runlake" / FILE_NAME)


def load_config(flags: Mapping[str, Any], environ: Mapping[str, str], cwd: Path, home: Path) -> Config:
    """The settings that hold: a flag (not None) beats the environment, that beats the file, that the default.

    Raises BadInputError for a file that cannot be read, a key that does not exist, a value that is not allowed.
    """
    known = {setting.key for setting in SETTINGS}
    path, found = _read_file(environ, cwd, home)
    values: dict[str, Any] = {"source": path}
    for key in found:
        if key not in known:
            raise _unknown(f"{key} in {path}", key, sorted(known))
    for setting in SETTINGS:
        if flags.get(setting.key) is not None:
            values[setting.key] = setting.read(f"--{setting.key.replace('_', '-')}", flags[setting.key])
        elif setting.variable and environ.get(setting.variable):
            values[setting.key] = setting.read(setting.variable, environ[setting.variable])
        elif setting.key in found:
            values[setting.key] = setting.read(f"{setting.key} in {path}", found[setting.key])
            if setting.key == "lake" and path is not None:
                values["lake"] = _beside(path, values["lake"])
    assert set(values) <= {one.name for one in fields(Config)}
    return Config(**values)


def _read_file(environ: Mapping[str, str], cwd: Path, home: Path) -> tuple[Path | None, dict[str, Any]]:
    named = environ.get(CONFIG_VARIABLE)
    if named:
        path: Path | None = Path(named)
    else:
        path = next((one for one in candidates(environ, cwd, home) if one.is_file()), None)
    if path is None:
        return None, {}
    try:
        return path, tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadInputError(f"cannot read the settings file {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInputError(f"the settings file {path} is not TOML: {error}") from error


def _beside(path: Path, lake: str) -> str:
    """A relative lake in a file is meant from where the file lies."""
    return lake if "://" in lake else str(path.parent / Path(lake).expanduser())


def _wrong(where: str, value: Any, allowed: str) -> BadInputError:
    return BadInputError(f"{where} is {value!r}; allowed is {allowed}", field=where, value=value)


def _unknown(where: str, key: str, known: tuple[str, ...] | list[str]) -> BadInputError:
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return BadInputError(f"there is no setting {where}; there are {', '.join(known)}{hint}", field=where, value=key)
