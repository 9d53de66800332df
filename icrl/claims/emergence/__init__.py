"""The claims of the part Emergence: why a loss would want these parameters, and that training finds them."""
