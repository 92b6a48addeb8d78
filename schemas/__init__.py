"""The nouns: what a sample, a measure, a verdict, a job and a file of ours look like. No Beam, no input or output."""
