"""Backbones: networks from an image to the feature maps asked for, with no stage deeper than those."""
