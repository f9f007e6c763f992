"""The flows themselves."""
