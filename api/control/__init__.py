"""Cancelling, retrying and deleting executions: what is decided, how the engine hears of it, what is recorded.

`Control` is the whole of it; `Engine` is the port to the engine, with the adapters `CommandsEngine` (the engine
collects what was decided) and `HttpEngine` (the engine is asked first).
"""

from api.control.acknowledgements import Acknowledgements
from api.control.engine import Engine, command_json
from api.control.service import Control

__all__ = ["Acknowledgements", "Control", "Engine", "command_json"]
