"""Spot checks: parts drawn by chance for a person who does not know the machine's verdict, and what follows."""
