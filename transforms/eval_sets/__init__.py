"""Benchmark sets that a dataset must not hold: their pictures, captions and hashes, and which rows overlap with them."""
