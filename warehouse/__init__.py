"""The ground floor: tables, the lake, DuckDB and all SQL over them, statistics.

import warehouse

with warehouse.open("lake") as house:
house.statistics(period="7d")
house.sql("SELECT status, count(*) FROM executions GROUP BY status").pl()
house.executions().filter(...).collect()
"""

from warehouse.door import Answer, Warehouse, open
from warehouse.errors import RunlakeError
from warehouse.settings import LakeSettings
from warehouse.statistics import StatisticsQuery

__all__ = ["Answer", "LakeSettings", "RunlakeError", "StatisticsQuery", "Warehouse", "open"]
