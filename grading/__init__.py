"""Grading on data that agents cannot see."""
