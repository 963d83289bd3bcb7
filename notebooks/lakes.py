"""The lakes that the notebooks look at, made anew in a folder that goes away with the notebook's process.

Both hold the same rows on every machine: the bundled sample of real records, and generated ones of a fixed seed.
"""

from __future__ import annotations

import atexit
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import warehouse
from ingest.generate import generate_into_lake
from ingest.generate_plan import GenerateOptions
from ingest.load import load
from ingest.report import LoadOptions
from ingest.sample import load_sample


def sample_lake() -> str:
    """The folder of a new lake with the bundled sample: 1,440 executions of a real n8n in a quarter of an hour.

    What `runlake demo` loads, loaded in the same way. Some 3 s.
    """
    folder = _new_folder()
    with warehouse.open(folder, create=True) as house:
        load_sample(house.lake)
    return folder


def generated_lake(options: GenerateOptions) -> str:
    """The folder of a new lake with generated executions; the same options give the same rows. Some 5 s a million."""
    folder = _new_folder()
    with warehouse.open(folder, create=True) as house:
        generate_into_lake(house.lake, options)
    return folder


def lake_of(records: Sequence[Mapping[str, object]]) -> str:
    """The folder of a new lake with these records, each an Execution object of the API: for examples made by hand."""
    folder = _new_folder()
    file = Path(folder).with_name("records.ndjson")
    file.write_text("".join(f"{json.dumps(record)}\n" for record in records), "utf-8")
    with warehouse.open(folder, create=True) as house:
        load(house.lake, [file], LoadOptions("runlake"))
    return folder


def _new_folder() -> str:
    folder = tempfile.TemporaryDirectory(prefix="runlake-notebook-", ignore_cleanup_errors=True)
    atexit.register(folder.cleanup)
    return str(Path(folder.name) / "lake")
