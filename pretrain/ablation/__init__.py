"""The decisive ablation: what each part of the method adds, at the same number of image-forwards."""
