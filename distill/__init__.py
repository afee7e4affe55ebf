"""Distillation: the teacher's eye for a part in a student small enough for the line, packaged as a bundle."""
