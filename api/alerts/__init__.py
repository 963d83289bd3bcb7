"""Alerts: rules over the statistics, looked at on a schedule by one process, told by event and e-mail."""
