"""Fill the tables and captions of the documents. No other package refers to a document."""
