"""`interject eval`: scripted conversations with an agent, judged."""
