"""Independent routes to a number: by states, fixed points, exact algebra, spectra, linear methods, induction; and edits of the construction."""
