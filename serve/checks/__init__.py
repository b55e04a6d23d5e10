"""What a model needs before it is started, found without starting anything."""
