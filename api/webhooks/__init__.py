"""Webhooks: events sent to whoever asked for them, signed, again and again until they are taken."""
