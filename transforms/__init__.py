"""The verbs: reading, measuring, hashing, matching, judging, balancing, writing. Kernels are pure; the PTransform around one is thin."""
