"""The contract's examples, as the description of the API shows them. The tests hold the answers against them too."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any


@cache
def example(name: str) -> Any:
    """The example of that name: list, detail, data, nodeData, logs, statistics."""
    return json.loads((resources.files("api.models") / "examples.json").read_text("utf-8"))[name]


def of(name: str, **others: Any) -> dict[str, Any]:
    """The documentation of a 200 with the example of that name; `others`: further media types."""
    return {"content": {"application/json": {"example": example(name)}, **others}}
