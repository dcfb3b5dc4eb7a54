"""Files of shop platforms and of analytics, converted to the import's columns."""
