"""Control plane of Amazon Personalize, for the operations that have an equivalent in this deployment."""
