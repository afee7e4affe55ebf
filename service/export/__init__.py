"""Export: everything on record as CSV, streamed."""
