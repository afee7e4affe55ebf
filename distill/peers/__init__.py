"""Published detectors, from anomalib, beside ours: same start weights, same split, same figures.

They run in an environment of their own. What passes between the two is a folder of arrays, so that neither side's
libraries bind the other, and every figure is computed by one implementation.
"""
