"""What the judges of several chapters share: taking an answer for what it should be, comparing it, and what it is tried on."""
