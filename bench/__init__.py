"""Each figure and each table that the project claims, as a command that makes it again."""
