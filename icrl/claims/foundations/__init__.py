"""The claims of the part Foundations: processes, their values, the loops, what a mask is for, and linear attention."""
