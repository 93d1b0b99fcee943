"""What a report was made of, written down, and checked against what lies there."""
