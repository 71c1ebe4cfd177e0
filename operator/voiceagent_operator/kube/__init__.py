"""Kubernetes, as far as the operator talks to it: kinds, requests, watches, merges."""
