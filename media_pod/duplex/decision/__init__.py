"""Whose sound it is: the predicted echo, and the barge-in detector."""
