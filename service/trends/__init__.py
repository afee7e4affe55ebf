"""Trends: control charts of what is flagged and of both scores, with the rules that mark what is out of control."""
