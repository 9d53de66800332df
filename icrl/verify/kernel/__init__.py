"""The proof checker: its sources, what is on record of them, and their twins in Python."""
