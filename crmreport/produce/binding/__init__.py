"""From executed chapters to the files of a report: one book per language, tables, lists, front page."""
