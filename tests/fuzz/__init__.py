"""Inputs drawn at random and damaged: none may end in a traceback, in a hang or in all of the memory.

`python -m tests.fuzz minutes=60` draws them for an hour; a short draw is among the tests.
"""
