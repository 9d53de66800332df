"""The claims of the part The family: special cases and siblings, other masks, other scores."""
