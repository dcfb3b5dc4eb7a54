"""Items and users in their tables, and the log of their changes."""
