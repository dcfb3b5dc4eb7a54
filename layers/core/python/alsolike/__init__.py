"""Core package that all parts of Alsolike share: records and artefacts with their readers and writers."""
