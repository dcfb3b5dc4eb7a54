"""Filter expressions: parser, types, evaluation."""
