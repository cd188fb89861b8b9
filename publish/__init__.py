"""Fills the tables and captions of the documents; the only Python that knows a document."""
