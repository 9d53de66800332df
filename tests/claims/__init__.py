"""The tests of the claims: their rules, their ledger, and what is particular to each."""
