"""What is true of every request, whatever its route: in the order a request passes it.

boundary (id, log line, metrics, safe headers, the last catch) > hosts > cors > compression > body > gone > the routes.
"""
