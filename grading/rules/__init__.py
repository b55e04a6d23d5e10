"""Rules: how MLE-bench's competitions are judged. One file a family, one class a rule, its fields the row's options."""
