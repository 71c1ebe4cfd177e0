"""What the operator itself needs in a cluster, as objects. Pure."""
