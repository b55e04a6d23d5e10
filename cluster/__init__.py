"""Starting, finding and stopping the Ray cluster and its four roles."""
