"""The custom metrics API: autoscalers ask it, through the API server, how many calls pods have.

Nothing is kept: each question is passed on to the pods themselves, so that every replica of the
operator can answer, and what it says is fresh.
"""
