"""What a report was made of, written down, and checked against what lies there."""

RECORD = "run.json"
"""The record's name, in the folder of its report."""
