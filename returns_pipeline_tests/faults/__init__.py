"""Faults of the network, the database and the process, each against the rule of what must come of it."""
