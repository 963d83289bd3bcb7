"""The hot store: what has been acknowledged and is not in the lake yet, and everything else that is a transaction.

A database (SQLite in the lake's folder, or PostgreSQL by URL) beside the lake. `database` is the only door to it.
"""
