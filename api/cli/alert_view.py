"""What the verbs for alerts show to people."""

from __future__ import annotations

from typing import Any

from api.cli import output


def row(one: dict[str, Any]) -> tuple[str, ...]:
    """A row of the list."""
    fired_at = one["state"]["lastFiredAt"]
    return (
        one["id"],
        one["name"],
        one["description"],
        one["state"]["status"],
        _at(fired_at) if fired_at else "never",
        " ".join(one["emails"]) or "none",
    )


def show_look(answer: dict[str, Any]) -> None:
    """What an alert says now."""
    change = {None: "nothing changes", "firing": "it would fire", "resolved": "it would be resolved"}[answer["change"]]
    rows = [(name, str(value)) for name, value in answer["now"]["numbers"].items()]
    columns = (output.Column("number"), output.Column("value"))
    notes = (f"{change}: {answer['reason']}", answer["now"]["url"])
    output.show(output.Table(columns=columns, rows=rows, title=f"at {_at(answer['at'])}", notes=notes))


def show_replay(answer: dict[str, Any]) -> None:
    """When it would have fired."""
    looks = f"{answer['looks']} looks, one every {answer['stepSeconds']} s"
    if not answer["firings"]:
        print(f"it would never have fired ({looks})")
        return
    titles = ("fired", "resolved", "value", "count", "executions")
    columns = tuple(output.Column(title, "right" if title in ("value", "count") else "left") for title in titles)
    rows = [
        (
            _at(one["firedAt"]),
            _at(one["resolvedAt"]) if one["resolvedAt"] else "not yet",
            f"{one['fired']['numbers']['value']:.4g}",
            str(one["fired"]["numbers"]["count"]),
            one["fired"]["url"],
        )
        for one in answer["firings"]
    ]
    output.show(output.Table(columns=columns, rows=rows, notes=(looks,)))


def _at(instant: Any) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"
