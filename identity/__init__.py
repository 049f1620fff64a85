"""Who is the same organisation: normal forms, candidate pairs, agreement of fields, probability, links. Not here: contacts, stewards' decisions."""
