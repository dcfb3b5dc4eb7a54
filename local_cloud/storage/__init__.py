"""Storage of a cloud in a directory: a journal, what is recorded in it, and how the next start restores it."""
