"""Storage of a cloud in a directory: a journal, recording of changes, and restoration of the changes at the next
start.
"""
