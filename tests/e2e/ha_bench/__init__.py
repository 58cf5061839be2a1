"""The fault bench of high availability: see README.md."""
