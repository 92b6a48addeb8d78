"""The sentence: annotate, match, judge, emit, document; the command line; the documents."""
