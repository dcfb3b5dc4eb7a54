"""The Lambda layers: what is in them, and how they are built."""
