"""The description of the API is complete enough to generate a client from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from api.app import create_app
from api.config import Config
from api.models.examples import example

Described = dict[str, Any]


@pytest.fixture(scope="module")
def described() -> Described:
    return create_app(Config()).openapi()


def operations(described: Described) -> Iterator[tuple[str, str, Described]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


READS = {
    "/v1/executions": "list",
    "/v1/executions/{id}": "detail",
    "/v1/executions/{id}/data": "data",
    "/v1/executions/{id}/nodes/{nodeId}/data": "nodeData",
    "/v1/executions/{id}/logs": "logs",
    "/v1/executions/statistics": "statistics",
}


def test_every_operation_says_what_it_is(described: Described) -> None:
    seen = set()
    for path, method, operation in operations(described):
        assert operation["summary"], (path, method)
        assert operation["description"], (path, method)
        assert operation["operationId"] not in seen
        seen.add(operation["operationId"])
    assert len(seen) > 8


def test_every_parameter_is_described(described: Described) -> None:
    for path, method, operation in operations(described):
        for parameter in operation.get("parameters", []):
            assert parameter["description"], (path, method, parameter["name"])
            assert parameter["schema"], (path, method, parameter["name"])


def test_every_answer_has_a_body_that_is_described(described: Described) -> None:
    for path, method, operation in operations(described):
        assert "422" not in operation["responses"]
        for status, answer in operation["responses"].items():
            assert answer["description"], (path, method, status)
            if status.startswith(("4", "5")):
                schema = answer["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/ErrorModel"}, (path, method, status)


@pytest.mark.parametrize(("path", "name"), READS.items())
def test_reads_show_the_contracts_examples(described: Described, path: str, name: str) -> None:
    operation = described["paths"][path]["get"]
    assert operation["responses"]["200"]["content"]["application/json"]["example"] == example(name)
    assert {"304", "400", "401", "403", "503", "504"} <= set(operation["responses"])
    assert ("404" in operation["responses"]) == ("{id}" in path)


def test_every_field_of_a_read_is_described_or_speaks_for_itself(described: Described) -> None:
    schemas = described["components"]["schemas"]
    for name in (
        "ExecutionListModel",
        "ExecutionModel",
        "ExecutionDataModel",
        "LogsModel",
        "NodesModel",
        "ErrorsModel",
    ):
        assert schemas[name]["description"], name
        assert schemas[name]["additionalProperties"] is False
