"""In-context reinforcement learning: the construction, the algorithms it computes, and the checks that say so."""

__version__ = "0.2.0"
