"""Several drover hosts on one Linux machine. Start reading at up.py; plan.py holds all names."""
