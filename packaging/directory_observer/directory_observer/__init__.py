"""Stands where the directory_observer package stood; the work is done by staithe."""
