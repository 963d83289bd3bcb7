"""Benchmarks: `python -m tests.bench [NAME…]` (or `make bench`), one question a module in `questions`.

Results are asserted equal before anything is timed; then ours and the yardstick take turns in one run, and the ratio of
each pair is what is judged. Seconds are shown too, but say more about the machine than about the code.
"""
