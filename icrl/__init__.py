"""In-context reinforcement learning: the construction, the algorithms it computes, and the checks that say so."""
