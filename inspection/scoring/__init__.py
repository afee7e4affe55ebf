"""From the student's input to scores, an anomaly map and defect regions."""
