"""The shop's API for data: puts interactions onto the stream, items and users into their tables."""
