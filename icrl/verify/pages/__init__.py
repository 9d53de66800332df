"""The pages made from what the claims' checks found."""
