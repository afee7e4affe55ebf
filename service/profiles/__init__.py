"""Profiles: what each station runs, in versions that are only ever added."""
