"""The claims of the part The theorem: a layer of softmax attention is an update of weighted softmax TD."""
