"""An engine that runs nothing and reports it: executions with nodes and logs, incidents, obedience to commands.

It knows a server only by its HTTP interface. What is planned (plan.py, incidents.py) is pure and the same for the same
seed; what happens (engine.py, execution.py) is a state machine that is told the time; what is told to the server
(outbox.py, reporter.py, commander.py) is kept until it is acknowledged.
"""

from api.simulate.board import Board, Happening, Summary
from api.simulate.options import Server, SimulateOptions
from api.simulate.run import Simulation

__all__ = ["Board", "Happening", "Server", "SimulateOptions", "Simulation", "Summary"]
