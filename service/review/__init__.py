"""Review: a person decides about each flagged part."""
