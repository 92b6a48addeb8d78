"""Consent signals, one small module each, and how they resolve."""
