"""Audit: what was done, by whom, in records that are only ever added and that hold one another in place."""
