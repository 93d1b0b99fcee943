"""What a report is made of, in order, and the keys that say whether any of it has to be made again."""
