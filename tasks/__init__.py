"""What is put to agents: competitions, their data and their reference leaderboards."""
