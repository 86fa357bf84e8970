"""Nyttig tells whether a welfare technology on trial is used, and whether it helps."""

from importlib.metadata import version

__version__ = version("nyttig")
