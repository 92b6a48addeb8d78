"""Models that filters read, and what loads them: found by path, pinned by SHA-256, loaded once per process."""
