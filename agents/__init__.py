"""Who answers: an agent gets a Brief and Tools and hands in a Submission."""
