"""Factory: verdicts go out to the plant's systems, and what the line says of lots and part numbers comes in."""
