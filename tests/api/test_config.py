"""Settings: which of four places wins, and what a wrong one is answered with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from api.config import SETTINGS, Config, candidates, load_config
from warehouse.errors import BadInputError


def load(tmp_path: Path, environ: Mapping[str, str] | None = None, **flags: object) -> Config:
    return load_config(flags, environ or {}, tmp_path, tmp_path / "home")


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "runlake.toml"
    path.write_text(text)
    return path


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    assert load(tmp_path) == Config()
    assert load(tmp_path).lake == "./lake"


def test_flag_beats_environment_beats_file_beats_default(tmp_path: Path) -> None:
    write(tmp_path, 'lake = "from-file"\nthreads = 3\nmemory_limit_mb = 512\n')
    environ = {"RUNLAKE_HOME": "from-env", "RUNLAKE_THREADS": "2"}
    config = load(tmp_path, environ, lake="from-flag", threads=None)
    assert (config.lake, config.threads, config.memory_limit_mb, config.time_limit_s) == ("from-flag", 2, 512, 60.0)
    assert load(tmp_path, environ).lake == "from-env"


def test_a_relative_lake_in_a_file_is_meant_from_the_file(tmp_path: Path) -> None:
    write(tmp_path, 'lake = "data/lake"')
    assert load(tmp_path).lake == str(tmp_path / "data/lake")
    write(tmp_path, 'lake = "s3://bucket/prefix"')
    assert load(tmp_path).lake == "s3://bucket/prefix"


def test_the_working_folder_comes_before_the_config_folder(tmp_path: Path) -> None:
    here, users = candidates({}, tmp_path, tmp_path / "home")
    users.parent.mkdir(parents=True)
    users.write_text("threads = 7")
    assert load(tmp_path).threads == 7
    here.write_text("threads = 5")
    assert load(tmp_path).threads == 5
    assert load(tmp_path).source == here
    named = tmp_path / "other.toml"
    named.write_text("threads = 6")
    assert load(tmp_path, {"RUNLAKE_CONFIG": str(named)}).threads == 6


def test_every_setting_is_read_from_the_file(tmp_path: Path) -> None:
    write(
        tmp_path,
        'lake = "/l"\nthreads = 1\nmemory_limit_mb = 100\ntime_limit_s = 2.5\ntimezone = "Asia/Tokyo"\n'
        'payloads = "drop"\nsecret_keys = ["pin"]\nvacuum_after_hours = 1\n'
        'hot_url = "postgresql://db/runlake"\nseal_rows = 7\nseal_age_s = 5\nevent_hours = 48\n'
        'allowed_hosts = ["runlake.example.com"]\ntrusted_proxies = ["10.0.0.0/8"]\n'
        'cors_origins = ["https://dash.example.com"]\npublic_metrics = true\n'
        'session_hours = 8\nmax_body_mb = 8\nlog_format = "json"\n'
        'max_record_mb = 2\ningest_waiting_mb = 32\nengine = "http"\nengine_url = "https://engine.example.com/hook"\n'
        'engine_secret = "at least sixteen characters long"\nengine_timeout_s = 3\n'
        "webhook_private = true\nwebhook_http = true\nwebhook_log_days = 3\n"
        'alert_every_s = 5\npublic_url = "https://runs.example.com"\n'
        'smtp_url = "smtps://me:word@mail.example.com"\nsmtp_from = "runlake <runlake@example.com>"\n'
        "report_days = 30\nreport_count = 50\n"
        "[retention_days]\nexecutions = 400\npayloads = 0\n[storage_options]\nregion = 'eu'\n",
    )
    config = load(tmp_path)
    assert config.retention_days == {"executions": 400, "node_runs": None, "payloads": None, "logs": 90}
    assert config.storage_options == {"region": "eu"}
    assert config.secret_keys == ("pin",)
    changed = {one.key for one in SETTINGS if getattr(config, one.key) != getattr(Config(), one.key)}
    assert changed == {one.key for one in SETTINGS}
    settings = config.lake_settings()
    assert settings.duck.threads == 1
    assert settings.retention_days["executions"] == 400


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("thread = 3", "did you mean threads?"),
        ("threads = -1", "at least 0"),
        ("threads = true", "at least 0"),
        ("memory_limit_mb = 'much'", "at least 64"),
        ("time_limit_s = nan", "at least 0"),
        ("timezone = 'Mars/Olympus'", "IANA"),
        ("payloads = 'maybe'", "keep, redact or drop"),
        ("secret_keys = [1]", "a list of key names"),
        ("allowed_hosts = ['https://a.example']", "without scheme and port"),
        ("allowed_hosts = ['a.example:8080']", "without scheme and port"),
        ("trusted_proxies = ['proxy']", "networks"),
        ("cors_origins = ['*']", "a list of origins"),
        ("cors_origins = ['https://a.example/']", "a list of origins"),
        ("public_metrics = 'yes'", "true or false"),
        ("session_hours = 0", "above 0"),
        ("log_format = 'xml'", "logfmt or json"),
        ("[retention_days]\npayload = 3", "did you mean payloads?"),
        ("[retention_days]\nlogs = -3", "at least 0"),
        ("lake = ''", "not empty"),
        ("= 3", "is not TOML"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(BadInputError) as caught:
        load(tmp_path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_wrong_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="RUNLAKE_THREADS is 'x'"):
        load(tmp_path, {"RUNLAKE_THREADS": "x"})


def test_storage_options_are_never_shown(tmp_path: Path) -> None:
    write(tmp_path, "[storage_options]\nsecret = 12345")
    with pytest.raises(BadInputError) as caught:
        load(tmp_path)
    assert "12345" not in str(caught.value)
