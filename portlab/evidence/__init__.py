"""What the packets say: which event decides each row, the scan as a value, and the frames behind every verdict."""
