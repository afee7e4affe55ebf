"""Thresholds: what other limits would mean for escapes, overkill and people's time, before they come into force."""
