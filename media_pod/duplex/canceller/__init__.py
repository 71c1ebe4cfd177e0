"""Echo cancellers, behind one protocol."""
