"""Canary of a version that passed the gate, followed by its promotion or rollback."""
