"""Cells, the bounded rake, the audit."""
