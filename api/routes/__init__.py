"""The routes, a module a noun: each parses, asks once, and returns a model. api/routers.py lists them."""
