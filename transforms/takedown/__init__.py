"""What is done to the files of a release, and of its private folder, when rows are taken down after it was published."""
