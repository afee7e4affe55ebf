"""Registry: which bundles are there, and which of them is the champion."""
