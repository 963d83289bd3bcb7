"""The history of the hot store's tables, run by warehouse.hot.migrate."""
