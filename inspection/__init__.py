"""The core of Kensa, shared by training and by the station: one decode, one preprocess, one scorer, one policy.

Nothing here imports torch, so a station installs and runs without it.
"""

from importlib.metadata import version

__version__ = version("kensa")
