"""The sandbox: where code that a model wrote, and bytes that an agent handed in, are run and read."""
