"""The parts of the trial page, in the order in which they are read."""
