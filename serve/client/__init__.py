"""The client half: asks a chat model until there is a whole answer."""
