"""Planning a test: who is eligible, who is drawn for which arm, and what it will be able to see."""
