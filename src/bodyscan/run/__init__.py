"""A whole command as a function: files in, files out, without a command line.

`bodyscan.run.twin.run_twin` is all of `bodyscan twin`. Nothing here prints: who runs it is told of the stages
through a `Progress`, and asked through functions that are handed in.
"""
