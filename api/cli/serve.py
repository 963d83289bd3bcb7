"""The verb that serves."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from api.cli.options import (
    HotUrlOption,
    LakeOption,
    MemoryOption,
    ThreadsOption,
    TimeLimitOption,
    TimezoneOption,
)


def serve(
    host: Annotated[
        str, typer.Option("--host", metavar="HOST", help="Address to listen on; 0.0.0.0: all of this machine's.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, metavar="PORT", help="0: any free one.")] = 8080,
    workers: Annotated[int, typer.Option("--workers", min=1, max=64, metavar="N", help="Processes.")] = 1,
    no_auth: Annotated[bool, typer.Option("--no-auth", help="Serve without tokens; on loopback only.")] = False,
    create: Annotated[bool, typer.Option("--create", help="Make an empty lake where there is none.")] = False,
    lake: LakeOption = None,
    hot_url: HotUrlOption = None,
    timezone: TimezoneOption = None,
    threads: ThreadsOption = None,
    memory_limit_mb: MemoryOption = None,
    time_limit_s: TimeLimitOption = None,
) -> int:
    """Serve the API and the report over HTTP, and seal what came in into the lake.

    The first time it makes an admin token and shows it once, on stderr: keep it, and make narrower ones with
    `runlake token create`. Ctrl-C or SIGTERM: finishes what is being answered, then ends.

    \b
    runlake serve
    runlake serve --host 0.0.0.0 --workers 4
    curl -H "Authorization: Bearer $TOKEN" 'http://127.0.0.1:8080/v1/executions?filter[status]=failed&limit=5'
    """
    from api.cli.lakes import configure, no_lake
    from api.server import serve as run
    from warehouse.errors import LakeNotFoundError

    config = configure(
        lake=lake,
        hot_url=hot_url,
        timezone=timezone,
        threads=threads,
        memory_limit_mb=memory_limit_mb,
        time_limit_s=time_limit_s,
    )

    def say(url: str) -> None:
        print(f"serving {config.lake} on {url}: the report is {url}/, the API {url}/v1/executions", flush=True)

    def show_token(token: str) -> None:
        print(
            "\n  This server had no token yet. Here is one that may do everything, shown this once:\n\n"
            f"      {token}\n\n"
            "  Sign in with it in a browser, or send it as `Authorization: Bearer …`.\n",
            file=sys.stderr,
            flush=True,
        )

    try:
        run(
            config,
            host,
            port,
            no_auth=no_auth,
            workers=workers,
            create=create,
            on_listening=say,
            on_first_token=show_token,
        )
    except LakeNotFoundError as error:
        raise no_lake(config, or_else="make an empty one with `runlake serve --create`") from error
    return 0
