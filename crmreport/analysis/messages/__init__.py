"""Messages and carts: who was written to and responded, step by step, and which carts were left."""
