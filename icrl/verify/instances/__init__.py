"""Every context, chain and task that a check draws, and how the construction and the loops read it."""
