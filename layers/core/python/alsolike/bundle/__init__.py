"""Model bundle, the interface between training and serving."""
