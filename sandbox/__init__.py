"""Stand-ins for the vendors, served over HTTP on loopback.

What belongs here: vendor protocols as their documentation describes them, the world that they show and the faults planted in it.
What does not: anything that Concord's own pipeline imports; the pipeline knows the sandbox only by its address.
"""
