"""Records. Each is declared once, and all other forms are derived from the declaration."""
