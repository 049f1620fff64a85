"""What every part shares because the user sets it: settings, connections, errors, the command line and its report.

What does not belong here: anything about a vendor, a model or a write; those live in their own packages.
"""

__version__ = "0.1.0"
