"""`column IN (many values)` as one parameter, so that a statement is the same for any number of them."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from warehouse.hot.metadata import to_stored


class _Values(sa.types.TypeDecorator[Any]):
    """Texts or whole numbers: a JSON array for SQLite, an array for PostgreSQL."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        values = [to_stored(one) if isinstance(one, str) else one for one in value]
        return json.dumps(values, ensure_ascii=False) if dialect.name == "sqlite" else values


class _OneOf(sa.sql.expression.ColumnElement[Any]):
    """The values as a query of one column."""

    inherit_cache = True
    type = sa.types.NULLTYPE
    _traverse_internals = [  # noqa: RUF012 - SQLAlchemy's own form
        ("values", sa.sql.visitors.InternalTraversal.dp_clauseelement),
        ("kind", sa.sql.visitors.InternalTraversal.dp_string),
    ]

    def __init__(self, values: sa.BindParameter[Any], kind: str) -> None:
        self.values = values
        self.kind = kind


@compiles(_OneOf, "sqlite")
def _sqlite(element: _OneOf, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"(SELECT value FROM json_each({compiler.process(element.values, **kwargs)}))"


@compiles(_OneOf, "postgresql")
def _postgresql(element: _OneOf, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"(SELECT unnest({compiler.process(element.values, **kwargs)}::{element.kind}[]))"


def in_any(column: sa.ColumnElement[Any], values: Collection[Any]) -> sa.ColumnElement[bool]:
    """Is the column's value one of these texts or whole numbers?"""
    kind = "bigint" if isinstance(column.type, sa.Integer) else "text"
    # A comparison, said to be one: else SQLAlchemy adds "= 1" on SQLite, which then reads the whole table.
    return column.op("IN", is_comparison=True)(_OneOf(sa.bindparam(None, values, type_=_Values(), unique=True), kind))
