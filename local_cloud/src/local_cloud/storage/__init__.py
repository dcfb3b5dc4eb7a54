"""Storage of a cloud: a journal, recording of changes, and their restoration at the next start."""
