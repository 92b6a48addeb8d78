"""Which rows mean the same: k-means over embeddings, then all pairs around one centroid (SemDeDup, Abbas et al. 2023)."""
