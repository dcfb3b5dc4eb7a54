"""Column that marks the rows of agents in the lake."""

AGENT = "agent"
"""Column of interactions and responses with the program that sent the event or the request. Readers for training,
attribution and drift skip rows with a value, because programs do not choose as people do."""
