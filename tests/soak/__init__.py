"""A real server under load, killed and run beside others: nothing acknowledged is lost or doubled, no reader is wrong.

Short in the suite; RUNLAKE_TEST_SCALE (`make soak`) multiplies the kills and the time.
"""
