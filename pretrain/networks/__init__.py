"""What the method trains beside the encoder: heads for the loss only, the momentum network, the neighbour queue."""
