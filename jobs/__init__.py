"""What a user submits: plan, run, grade, report."""
