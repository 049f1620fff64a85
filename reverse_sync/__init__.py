"""Writing the owner's values back: plan (desired - observed), outbox, dispatch, receipts, read-back.

What does not belong here: how a value came to be desired (transform/) and how a vendor is read in bulk (ingestion/).
"""
