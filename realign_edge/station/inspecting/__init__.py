"""The work: one photo inspected, one question answered, photo after photo, and the rows that come of it."""
