"""Storage of a cloud in a directory: a journal, the recording of changes, and their restoration at the next start."""
