"""How fast the student is: beside its teacher, its peers' networks and the bare convolutions, on the same cores."""
