"""Campaign evaluation: what a campaign did, what it earned, and what may be decided from it."""
