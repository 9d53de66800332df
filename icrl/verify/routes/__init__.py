"""Independent routes to a number: grouped by state, by fixed points, by exact algebra, by spectra; and edits of the construction."""
