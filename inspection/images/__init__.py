"""From bytes to the array the student reads."""
