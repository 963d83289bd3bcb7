"""Names of reports in an archive, and where it lies."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from warehouse.errors import BadInputError

SLUG: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?")
NAME: Final = re.compile(r"\d{8}T\d{12}Z-[a-z0-9-]{1,80}")


def default_location(lake: str) -> str:
    """Where the archive of a lake lies: `reports` in it."""
    place, mark, options = lake.partition("?")  # a bucket's URI may have some
    return f"{place.rstrip('/')}/reports{mark}{options}"


def slug_of(text: str) -> str:
    """A text as part of a file's name: small letters, digits and hyphens, at most 60, never empty."""
    found = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60].strip("-")
    return found or "report"


def name_of(generated_at: datetime, slug: str) -> str:
    """The name of a report made at an instant; raises BadInputError for a slug that cannot be."""
    return f"{generated_at.astimezone(UTC).strftime('%Y%m%dT%H%M%S%fZ')}-{checked_slug(slug)}"


def checked_slug(slug: str) -> str:
    """The slug. Raises BadInputError for one that cannot be."""
    if not SLUG.fullmatch(slug):
        raise BadInputError(
            f"slug is {slug[:100]!r}; allowed: small letters, digits and hyphens, at most 60", field="slug", value=slug
        )
    return slug


def checked_name(name: str) -> str:
    """The name. Raises BadInputError for one that cannot be."""
    if not NAME.fullmatch(name):
        raise BadInputError(
            f"the name of a report is {name[:100]!r}; it begins with the instant it was made, such as "
            "20261124T080000000000Z-weekly",
            field="name",
            value=name,
        )
    return name
