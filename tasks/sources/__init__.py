"""Where competitions' rows come from: one small file a data set, each with `load() -> Rows`."""
