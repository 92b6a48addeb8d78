"""Which rows are the same: signatures, keys, pairs, verification, compact clusters."""
