"""The tables of the lake: keys, columns, readers."""
