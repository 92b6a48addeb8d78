"""Picture kernels: a bounded decoder, hashes, thumbnails, alignment, metadata."""
