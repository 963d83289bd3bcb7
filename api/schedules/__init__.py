"""Schedules of reports: when they are due, what is made and delivered then, by whichever process holds the lease."""
