"""What a chapter and the built site must satisfy: each function takes data and returns what is wrong with it, in words."""
