"""The records: each is declared once, and all its forms are derived from the declaration."""
