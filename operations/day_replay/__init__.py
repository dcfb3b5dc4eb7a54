"""Replay of a day's requests from the recommendation log, with the inputs of that day."""
