"""Records on their way in: bodies, limits, the queue that commits them in groups, and what is answered."""
