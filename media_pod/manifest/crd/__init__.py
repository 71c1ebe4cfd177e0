"""Generates the CustomResourceDefinition of VoiceAgent and its reference page from the models.

    structural    a model's JSON schema -> a Kubernetes structural schema
    union         a union discriminated by `kind` -> one object with CEL rules
    descriptions  descriptions of a setting's valid values
    definition    the CRD, as an object and as YAML
    reference     docs/reference/voiceagent.md

Pure functions without I/O; `media_pod.cli` prints and writes their results.
"""
