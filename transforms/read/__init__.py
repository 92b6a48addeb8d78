"""Reading shards: what a row is, in each layout, and how many there are."""
