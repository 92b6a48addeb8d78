"""The sentence: annotate, match, judge, emit, document; the command line; the documents."""

import logging

# Beam warns through the root logger while it is imported; without a handler there, Python would add one that writes to the terminal.
logging.getLogger().addHandler(logging.NullHandler())
