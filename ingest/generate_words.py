"""The vocabulary of generated records: what teams call their workflows, which nodes they use, how things fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Trigger = Literal["webhook", "schedule", "event"]


@dataclass(frozen=True, slots=True)
class NodeKind:
    """A node as people put it into a workflow."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class ErrorFamily:
    """Errors of one cause: `{n}`, `{id}`, `{host}` and `{ms}` in the text differ from one occurrence to the next."""

    type: str
    message: str


CURATED: Final[tuple[tuple[str, Trigger, str], ...]] = (
    ("Order intake", "webhook", "shopify"),
    ("Stripe payment to ledger", "webhook", "stripe"),
    ("GitHub to Slack notification", "webhook", "github"),
    ("Lead enrichment", "webhook", "hubspot"),
    ("Support ticket triage", "event", "zendesk"),
    ("Customer sync CRM to warehouse", "event", "kafka"),
    ("Invoice PDF and mail", "webhook", "billing"),
    ("Stock level sync", "schedule", "cron"),
    ("Shipment tracking poll", "schedule", "cron"),
    ("Newsletter sign-up", "webhook", "website"),
    ("Fraud screening", "event", "rabbitmq"),
    ("Nightly revenue report", "schedule", "cron"),
)
"""The first, and busiest, workflows: (name, trigger, what it listens to)."""

TEAMS: Final = (
    "Finance",
    "Sales",
    "Support",
    "Marketing",
    "Logistics",
    "People",
    "Data",
    "Platform",
    "Legal",
    "Product",
)
OBJECTS: Final = (
    ("contract approval", "webhook", "docusign"),
    ("onboarding checklist", "webhook", "personio"),
    ("usage metrics export", "schedule", "cron"),
    ("calendar sync", "event", "google-calendar"),
    ("mailbox to tickets", "event", "imap"),
    ("price list import", "schedule", "cron"),
    ("survey answers to sheet", "webhook", "typeform"),
    ("alert routing", "webhook", "grafana"),
    ("refund handling", "webhook", "stripe"),
    ("backup check", "schedule", "cron"),
    ("address validation", "webhook", "website"),
    ("release notes", "webhook", "gitlab"),
    ("chat summaries", "event", "slack"),
    ("supplier feed", "schedule", "cron"),
)

TRIGGER_NODES: Final[dict[Trigger, NodeKind]] = {
    "webhook": NodeKind("Webhook", "webhook"),
    "schedule": NodeKind("Schedule", "scheduleTrigger"),
    "event": NodeKind("On event", "eventTrigger"),
}

STEP_NODES: Final = (
    NodeKind("Normalise fields", "set"),
    NodeKind("Check conditions", "if"),
    NodeKind("Load customer", "postgres"),
    NodeKind("Merge branches", "merge"),
    NodeKind("Map items", "code"),
    NodeKind("Split batches", "splitInBatches"),
)

BOTTLENECK_NODES: Final = (
    NodeKind("Call partner API", "httpRequest"),
    NodeKind("Query warehouse", "postgres"),
    NodeKind("Ask language model", "openAi"),
    NodeKind("Upload document", "s3"),
    NodeKind("Render PDF", "httpRequest"),
)

LAST_NODES: Final = (
    NodeKind("Post to channel", "slack"),
    NodeKind("Write result", "postgres"),
    NodeKind("Send mail", "emailSend"),
    NodeKind("Update record", "hubspot"),
)

ERROR_FAMILIES: Final = (
    ErrorFamily("ConnectionError", "connect ECONNREFUSED {host}:5432"),
    ErrorFamily("RequestTimeoutError", "GET https://{host}/v2/items/{n} gave no answer within {ms} ms"),
    ErrorFamily("RateLimitError", "Request failed with status code 429: try again in {n} seconds (request {id})"),
    ErrorFamily("ValidationError", 'Field "amount" of record {n} is not a number: "{id}"'),
    ErrorFamily("NotFoundError", "Request failed with status code 404: customer {n} does not exist"),
    ErrorFamily("JsonParseError", "Unexpected end of input at position {n}"),
    ErrorFamily("DuplicateKeyError", "duplicate key value: Key (reference)=(ord-{n}) already exists"),
    ErrorFamily("AuthorizationError", "Request failed with status code 403: account {id} lacks the scope write"),
    ErrorFamily("OutOfMemoryError", "Worker ran out of memory after {n} MB while it handled batch {id}"),
)
"""What fails every day. A workflow mostly fails in two or three of these ways."""

TIMEOUT_FAMILY: Final = ErrorFamily("ExecutionTimeoutError", "The execution was stopped after {ms} ms, its time limit")
OUTAGE_FAMILY: Final = ErrorFamily("ServiceUnavailableError", "Request failed with status code 503: {host} is down")
DATABASE_FAMILY: Final = ErrorFamily("DatabaseError", "remaining connection slots are reserved, server {host}, pid {n}")
NEW_FAMILY: Final = ErrorFamily("SchemaChangedError", "Column shipping_country is missing in answer {id}")
