"""What differs between two reports, in numbers, and why."""
