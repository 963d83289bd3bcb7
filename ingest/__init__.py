"""Execution records from files into the lake: sources -> split -> normalise (a format) -> load.

`ingest.load.load(lake, paths, options)` is the whole way; `ingest.retry.retry(lake)` is for what was refused, which
`ingest.quarantine.Quarantine` keeps. Nothing is imported here, so that a part can be had without the others.
"""
