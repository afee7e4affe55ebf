"""The station's service: takes parts in, stores their verdicts durably, and shows a person what was flagged."""
