"""Overview: the line on a wall screen, as it is now."""
