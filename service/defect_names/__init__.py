"""Defect names: what defects are called today, how that came about, and how often each was found."""
