"""The custom metrics API: active calls of pods, for autoscalers, served through the API server.

It is stateless: each request polls the pods, so that every replica of the operator can answer with
current values.
"""
