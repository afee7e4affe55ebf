"""The images of a run: found, read once in parallel, kept as uint8, and dealt out in batches."""
