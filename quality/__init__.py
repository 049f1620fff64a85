"""What is checked on the warehouse, who hears of it, and what it stops.

What belongs here: expectation suites, the life of findings, alert routing, the gates before a push, the score against planted faults.
What does not: the definition of a finding, which is a model under transform/models/drift.
"""
