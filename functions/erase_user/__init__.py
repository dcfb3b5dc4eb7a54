"""Erasure of a user. This function stops the use of the data, and a workflow deletes it."""
