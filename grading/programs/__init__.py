"""Programs that the grader runs inside its sandbox: their source text is sent there, each is one file on its own."""
