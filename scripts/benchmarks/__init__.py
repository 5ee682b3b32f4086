"""Benchmarks: speed and memory, each against its plain alternative in the same run; one file a benchmark."""
