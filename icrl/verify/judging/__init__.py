"""Comparing two routes: exactly, as balls, within a tolerance, and as blocks of symbols."""
