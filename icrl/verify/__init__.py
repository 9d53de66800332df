"""The engine that verifies: what a claim is, what it is tried on, how two routes are compared, and the pages that tell of it. It knows no result."""
