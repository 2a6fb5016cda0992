"""Long-term memory (LTM): records, vector indices and text encoders."""
