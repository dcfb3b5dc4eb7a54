"""Core that every part of Alsolike shares: records and artefacts with their readers and writers."""
