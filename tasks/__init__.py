"""What is put to an agent: competitions (later techniques and experiments)."""
