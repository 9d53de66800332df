"""The claims of the part Convergence: what depth buys, what context buys, and when neither helps."""
