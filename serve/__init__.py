"""Models behind one OpenAI-compatible address. (`import serve` is ours; Ray's is `ray.serve`.)"""
