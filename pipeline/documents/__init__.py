"""The documents of a release, rendered from one record of the run: datasheet, cards, manifest."""
