"""Run: python scripts/benchmark.py, or only=[decode,table]; size=tiny only shows that it runs."""

from likerank.cli import main

if __name__ == "__main__":
    main("benchmark", "benchmarks.run:run")
