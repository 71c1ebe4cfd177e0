"""The exceptions that Interject raises on purpose, in one hierarchy.

    InterjectError
      SpecError              invalid document
      SetupError             the command cannot run on this machine
      AudioSocketError       bytes that violate the AudioSocket protocol
      WebSocketError         an unexpected message of Asterisk's chan_websocket
      ProviderError          a speech or dialogue provider failed
      ArgumentsError         a language model's arguments do not fit a tool
      ToolSchemaError        the JSON schema of a tool's parameters is invalid
      AdmissionError         no slot for a call
      LabError               lab: a simulated call cannot be set up
      ApiError               operator: Kubernetes rejected a request, or did not answer
      NoClusterError         operator: no cluster configuration found
      LeadershipLostError    operator: this replica is no longer the leader
      MergeError             operator: a patch that cannot be applied
      TakenError             operator: an object with another owner has the name
      CertificateError       operator: no usable serving certificate
      FrontProxyError        operator: no front-proxy configuration

A message states what was read, what was expected and, if the user can act, the next step. `cli`
prints it as one line and exits with code 2; a pod logs it with the call that it ended.
`media_pod.duplex` imports nothing of the project and raises ValueError for arrays of a wrong shape
or type, which are bugs of its callers.
"""


class InterjectError(Exception):
    """Base class; the message is meant for the person who runs Interject."""


class SetupError(InterjectError):
    """The command cannot run on this machine; the message names the cause and the next step."""
