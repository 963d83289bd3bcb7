"""The formats by name."""

from __future__ import annotations

from typing import Final

from ingest.contract import ContractFormat
from ingest.format import Format
from ingest.n8n import N8nFormat

FORMATS: Final[dict[str, Format]] = {"runlake": ContractFormat(), "n8n": N8nFormat()}
