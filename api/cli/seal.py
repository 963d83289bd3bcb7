"""The verb that moves finished executions from the hot store to the lake."""

from __future__ import annotations

from api.cli.options import HotUrlOption, JsonOption, LakeOption


def seal(lake: LakeOption = None, hot_url: HotUrlOption = None, as_json: JsonOption = False) -> int:
    """Move all finished executions from the hot store to the lake now; a server does it by itself.

    \b
    runlake seal                   before a copy of the lake is made, say
    """
    from api.cli import output
    from api.cli.lakes import configure, lake_of
    from warehouse.hot.sealing import SealReport

    with lake_of(configure(lake=lake, hot_url=hot_url)) as opened:
        store = opened.hot()
        report = SealReport() if store is None else store.seal(opened)
        left = 0 if store is None else store.gauges().rows
    if as_json:
        output.show_json({"sealed": report.rows, "seals": report.seals, "left": left, "seconds": report.elapsed_s})
    else:
        print(f"{report.rows} executions sealed in {report.elapsed_s:.1f} s; {left} are left in the hot store")
    return 0
