"""Settings of the command and the server: flag, then environment, then runlake.toml, then default.

`SETTINGS` is the only list of them; the README and `runlake --help` are checked against it. The environment, the
working folder and the home folder are arguments: nothing here reads them on its own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from api import setting_values as values
from warehouse.errors import BadInputError

if TYPE_CHECKING:
    from warehouse.settings import LakeSettings

FILE_NAME: Final = "runlake.toml"


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
    retention_days: Mapping[str, int | None] = field(default_factory=values.default_retention)
    """Days after which `retain` drops the rows of a table; None (0 in the file): kept for ever."""
    vacuum_after_hours: float = 24.0
    """How long files that are no longer live stay, for readers that still use them."""
    storage_options: Mapping[str, str] = field(default_factory=dict)
    """Credentials and endpoint of a bucket."""
    hot_url: str | None = None
    """URL of the hot store's database; None: `state.db` in the lake's folder."""
    seal_rows: int = 50_000
    """Finished executions in the hot store from which on the server moves them to the lake."""
    seal_age_s: float = 60.0
    """Seconds that a finished execution waits for that at most."""
    event_hours: float = 24.0
    """How long events are kept."""
    alert_every_s: float = 30.0
    """Seconds between two looks at the alerts."""
    public_url: str | None = None
    """Where the server is reached from outside: what links in alerts and reports begin with."""
    smtp_url: str | None = field(default=None, repr=False)
    """Mail server of alerts and reports, with its password. None: nothing is mailed."""
    smtp_from: str = "runlake@localhost"
    """Who their messages are from."""
    report_days: float = 400.0
    """How long the archive keeps reports; 0: for ever."""
    report_count: int = 1000
    """How many reports the archive keeps; 0: any number."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names the server answers for besides its own; `*.example.org` for all below, `*` for any."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed."""
    cors_origins: tuple[str, ...] = ()
    """Origins whose pages may call the API with a token."""
    public_metrics: bool = False
    """Whether /metrics and /openapi.json need no token wherever the server listens."""
    session_hours: float = 24.0
    """How long a browser stays signed in."""
    max_body_mb: int = 64
    """Largest body of records, in MiB, as it comes and unpacked."""
    max_record_mb: int = 16
    """Largest single record, in MiB, unpacked."""
    ingest_waiting_mb: int = 128
    """Bodies of records that are being read or wait to be written, in MiB, together; what comes beyond: 429."""
    engine: str = "commands"
    """How the engine hears of cancel and retry: commands (it collects them) or http (it is asked first)."""
    engine_url: str | None = None
    """Where the engine `http` takes commands."""
    engine_secret: str | None = field(default=None, repr=False)
    """Key of the signatures of what it is sent."""
    engine_timeout_s: float = 10.0
    """Longest it may take to answer."""
    webhook_private: bool = False
    """Whether webhooks may lead to private, loopback and link-local addresses."""
    webhook_http: bool = False
    """Whether webhooks may lead to http:// too."""
    webhook_log_days: float = 7.0
    """How long the log of deliveries is kept."""
    log_format: str = "logfmt"
    """logfmt or json: how the server's log lines look."""
    source: Path | None = None
    """The file these came from; None: there was none."""

    def hot_url_or_default(self) -> str:
        """URL of the hot store: the setting, else `state.db` in the lake's folder.

        Raises BadInputError for a lake in a bucket, which has no folder for it.
        """
        if self.hot_url is not None:
            return self.hot_url
        if "://" in self.lake and not self.lake.startswith("file://"):
            raise BadInputError(
                f"the lake {self.lake} is a bucket, so hot_url must say where the hot store is: "
                "a PostgreSQL URL, or sqlite:////absolute/path/state.db",
                field="hot_url",
            )
        from warehouse.lake import STATE_FILE
        from warehouse.storage import Location

        return f"sqlite:///{Location(self.lake).join(STATE_FILE)}"

    def lake_settings(self) -> LakeSettings:
        """The same as the warehouse takes it."""
        from warehouse.duck import DuckSettings
        from warehouse.settings import LakeSettings

        return LakeSettings(
            duck=DuckSettings(
                threads=self.threads, memory_limit_mb=self.memory_limit_mb, time_limit_s=self.time_limit_s
            ),
            storage_options=self.storage_options,
            hot_url=self.hot_url,
            retention_days={table: self.retention_days[table] for table in values.RETAINED},
            vacuum_after_hours=self.vacuum_after_hours,
        )


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of runlake.toml and its variable in the environment."""

    key: str
    variable: str | None
    read: Callable[[str, Any], Any]
    """(where it stands, the value as found) -> the value; raises BadInputError."""


SETTINGS: Final[tuple[Setting, ...]] = (
    Setting("lake", "RUNLAKE_HOME", values.text),
    Setting("threads", "RUNLAKE_THREADS", values.whole(0)),
    Setting("memory_limit_mb", "RUNLAKE_MEMORY_LIMIT_MB", values.whole(64)),
    Setting("time_limit_s", "RUNLAKE_TIME_LIMIT_S", values.seconds),
    Setting("timezone", "RUNLAKE_TIMEZONE", values.timezone),
    Setting("payloads", "RUNLAKE_PAYLOADS", values.payloads),
    Setting("secret_keys", "RUNLAKE_SECRET_KEYS", values.keys),
    Setting("retention_days", None, values.retention),
    Setting("vacuum_after_hours", "RUNLAKE_VACUUM_AFTER_HOURS", values.seconds),
    Setting("storage_options", None, values.options),
    Setting("hot_url", "RUNLAKE_HOT_URL", values.text),
    Setting("seal_rows", "RUNLAKE_SEAL_ROWS", values.whole(1)),
    Setting("seal_age_s", "RUNLAKE_SEAL_AGE_S", values.seconds),
    Setting("event_hours", "RUNLAKE_EVENT_HOURS", values.hours),
    Setting("alert_every_s", "RUNLAKE_ALERT_EVERY_S", values.hours),
    Setting("public_url", "RUNLAKE_PUBLIC_URL", values.http_url),
    Setting("smtp_url", "RUNLAKE_SMTP_URL", values.smtp_url),
    Setting("smtp_from", "RUNLAKE_SMTP_FROM", values.mail_sender),
    Setting("report_days", "RUNLAKE_REPORT_DAYS", values.seconds),
    Setting("report_count", "RUNLAKE_REPORT_COUNT", values.whole(0)),
    Setting("allowed_hosts", "RUNLAKE_ALLOWED_HOSTS", values.hosts),
    Setting("trusted_proxies", "RUNLAKE_TRUSTED_PROXIES", values.addresses),
    Setting("cors_origins", "RUNLAKE_CORS_ORIGINS", values.origins),
    Setting("public_metrics", "RUNLAKE_PUBLIC_METRICS", values.switch),
    Setting("session_hours", "RUNLAKE_SESSION_HOURS", values.hours),
    Setting("max_body_mb", "RUNLAKE_MAX_BODY_MB", values.whole(1)),
    Setting("max_record_mb", "RUNLAKE_MAX_RECORD_MB", values.whole(1)),
    Setting("ingest_waiting_mb", "RUNLAKE_INGEST_WAITING_MB", values.whole(1)),
    Setting("engine", "RUNLAKE_ENGINE", values.engine),
    Setting("engine_url", "RUNLAKE_ENGINE_URL", values.http_url),
    Setting("engine_secret", "RUNLAKE_ENGINE_SECRET", values.secret),
    Setting("engine_timeout_s", "RUNLAKE_ENGINE_TIMEOUT_S", values.hours),
    Setting("webhook_private", "RUNLAKE_WEBHOOK_PRIVATE", values.switch),
    Setting("webhook_http", "RUNLAKE_WEBHOOK_HTTP", values.switch),
    Setting("webhook_log_days", "RUNLAKE_WEBHOOK_LOG_DAYS", values.hours),
    Setting("log_format", "RUNLAKE_LOG_FORMAT", values.log_format),
)

CONFIG_VARIABLE: Final = "RUNLAKE_CONFIG"
"""Names the settings file; without it the first of `candidates` that exists is taken."""


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
    held: dict[str, Any] = {"source": path}
    for key in found:
        if key not in known:
            raise values.unknown(f"{key} in {path}", key, sorted(known))
    for setting in SETTINGS:
        if flags.get(setting.key) is not None:
            held[setting.key] = setting.read(f"--{setting.key.replace('_', '-')}", flags[setting.key])
        elif setting.variable and environ.get(setting.variable):
            held[setting.key] = setting.read(setting.variable, environ[setting.variable])
        elif setting.key in found:
            held[setting.key] = setting.read(f"{setting.key} in {path}", found[setting.key])
            if setting.key == "lake" and path is not None:
                held["lake"] = _beside(path, held["lake"])
    assert set(held) <= {one.name for one in fields(Config)}
    return Config(**held)


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
