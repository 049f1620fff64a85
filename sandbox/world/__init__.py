"""One company's business in neutral terms, its rendering into each system's view, and the faults planted there."""
