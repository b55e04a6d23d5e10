"""The reference entries of the starter competitions' leaderboards: one file a competition, each with `entries()`."""
