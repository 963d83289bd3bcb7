"""What ingest, demo and quarantine retry share: options from settings, and the one summary at the end."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, cast

from api.cli.output import clean, say, show_json
from ingest.format import NormaliseOptions, PayloadPolicy
from ingest.redact import DEFAULT_SECRET_KEYS
from ingest.report import LoadOptions, LoadReport, TooManyRejectsError
from ingest.workflows import read_workflow_names
from warehouse.errors import BadInputError

if TYPE_CHECKING:
    from api.config import Config

FORMATS: Final = ("auto", "runlake", "n8n")


def load_options(
    config: Config, format: str | None = None, workflows: Path | None = None, max_rejects: int | None = None
) -> LoadOptions:
    """How to load, by flags and settings. Raises BadInputError."""
    word = format or "auto"
    if word not in FORMATS:
        raise BadInputError(f"format is {word!r}; allowed: {', '.join(FORMATS)}", field="format", value=word)
    return LoadOptions(
        format=cast(Literal["auto", "runlake", "n8n"], word),
        normalise=NormaliseOptions(
            payloads=cast(PayloadPolicy, config.payloads),
            secret_keys=(*DEFAULT_SECRET_KEYS, *config.secret_keys),
            workflow_names=read_workflow_names(workflows) if workflows is not None else {},
        ),
        max_rejects=max_rejects,
    )


def show_report(
    found: LoadReport, lake: str, *, as_json: bool = False, stopped: TooManyRejectsError | None = None
) -> None:
    """The one summary at the end of a load; a line on stderr for what was rejected."""
    if as_json:
        counts = {name: value for name, value in asdict(found).items() if name != "files"}
        show_json({**_camel(counts), "lake": lake, "stopped": stopped is not None, "files": found.files})
    else:
        rate = f", {found.read / found.seconds:,.0f}/s" if found.seconds >= 1 else ""
        print(
            f"read {found.read}: {found.new} new, {found.updated} updated, {found.unchanged} unchanged, "
            f"{found.rejected} rejected ({found.seconds:.1f} s{rate}) into {clean(lake)}"
        )
    for file in found.files:
        if file.set_aside is not None and not as_json:
            say(f"{clean(file.name)}: set aside, it is {file.set_aside}")
    if stopped is not None:
        say(f"runlake: {stopped}")
    elif found.rejected:
        say(f"runlake: {found.rejected} records were rejected; see `runlake quarantine list --lake {lake}`")


def _camel(values: dict[str, object]) -> dict[str, object]:
    words = {name: name.split("_") for name in values}
    return {head + "".join(part.capitalize() for part in rest): values[n] for n, (head, *rest) in words.items()}
