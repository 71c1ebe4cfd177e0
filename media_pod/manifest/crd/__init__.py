"""The CustomResourceDefinition of VoiceAgent and its reference, made from the models.

    structural    a model's JSON schema -> a structural schema of Kubernetes
    union         models told apart by `kind` -> one object, with rules
    words         what a setting may be, in words
    definition    the CRD, and its text
    reference     docs/voiceagent.md

Pure functions; `media_pod.cli` prints and writes what they give.
"""
