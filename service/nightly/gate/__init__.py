"""The gate: may the challenger take the champion's place? Pure functions of what both said of the same parts."""
