"""What each command does, one module each; `pipeline.cli` only parses and prints errors."""
