"""The verb that plays an engine: simulate."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.options import JsonOption


def simulate(
    server: Annotated[
        str, typer.Option("--server", metavar="URL", help="The server to report to.")
    ] = "http://127.0.0.1:8080",
    token: Annotated[
        str | None,
        typer.Option(
            "--token", metavar="TOKEN", help="With executions:write; better in RUNLAKE_TOKEN, which ps hides."
        ),
    ] = None,
    rate: Annotated[float, typer.Option("--rate", metavar="N", help="Executions that start in a second.")] = 2.0,
    workflows: Annotated[int, typer.Option("--workflows", metavar="W", help="Of how many workflows.")] = 40,
    speed: Annotated[
        float, typer.Option("--speed", metavar="X", help="How much faster than usual an execution passes.")
    ] = 1.0,
    incident: Annotated[
        float, typer.Option("--incident", metavar="S", help="One incident every S seconds; 0: none.")
    ] = 120.0,
    duration: Annotated[
        float | None, typer.Option("--duration", metavar="S", help="Start none after S seconds, and end.")
    ] = None,
    executions: Annotated[
        int | None, typer.Option("--executions", "-n", metavar="N", help="Start so many, and end.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="S", help="Same seed, same workflows and plan.")] = 1,
    payloads: Annotated[bool, typer.Option("--payloads", help="With inputs and outputs of the nodes.")] = False,
    logs: Annotated[bool, typer.Option("--logs/--no-logs", help="With log lines.")] = True,
    leave_running: Annotated[
        bool, typer.Option("--leave-running", help="On Ctrl-C leave what runs, instead of cancelling it.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Play an engine that reports to a running server: executions with nodes and logs, failures, incidents.

    It takes the server's commands (cancel, retry), sends again what was not acknowledged, and starts fewer when the
    server cannot keep up. Ctrl-C: cancels what runs, reports that, ends; once more: ends at once.

    \b
    runlake serve --create --no-auth                  in one terminal
    runlake simulate                                  in another: two executions a second, until Ctrl-C
    runlake simulate --rate 500 --speed 10            a busy engine, everything ten times faster
    runlake simulate --incident 30 --duration 300     five minutes with an incident every half minute
    runlake simulate -n 1000 --rate 100 --seed 7 --json
    RUNLAKE_TOKEN=rl_… runlake simulate --server https://runlake.example.org
    """
    import asyncio
    import os

    from api.cli import output
    from api.cli.exits import FOUND, INTERRUPTED, OK
    from api.cli.simulate_run import run
    from api.cli.simulate_view import shown, summary_table
    from api.simulate import Board, Server, SimulateOptions, Simulation

    options = SimulateOptions(
        rate=rate,
        workflows=workflows,
        speed=speed,
        seed=seed,
        incident_every_s=incident,
        duration_s=duration,
        executions=executions,
        payloads=payloads,
        logs=logs,
        leave_running=leave_running,
    )
    where = Server(server, (token or os.environ.get("RUNLAKE_TOKEN", "")).strip() or None)
    with shown() as view:
        board = Board(view.happened)
        at_once = asyncio.run(run(Simulation(where, options, board), board, view))
    summary = board.summary(seed)
    if as_json:
        output.show_json(summary)
    else:
        output.show(summary_table(summary))
    if at_once:
        return INTERRUPTED
    return FOUND if summary.rejected else OK
