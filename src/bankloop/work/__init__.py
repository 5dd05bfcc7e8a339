"""What a bank does by itself, and what people let run."""
