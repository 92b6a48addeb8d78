"""Text kernels: the one normal form of captions and URLs, words, personal data, groups."""
