"""Scoring: from an image's bytes to its inspection, off the event loop, in micro-batches, and always with an answer."""
