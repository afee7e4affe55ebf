"""Challenge parts: known good and bad parts that a station must judge rightly when a shift begins."""
