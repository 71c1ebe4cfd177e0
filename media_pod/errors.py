"""The one tree of errors that Interject raises on purpose.

    InterjectError
      SpecError              media_pod.manifest.validation: a document that is not valid
      SetupError             here: this machine cannot run what was asked for
      AudioSocketError       media_pod.transport.audiosocket.frames: bytes that are not AudioSocket
      MediaSocketError       media_pod.transport.websocket.messages: not chan_websocket's messages
      ProviderError          media_pod.providers.ports: speech or dialogue failed
      AdmissionError         media_pod.calls.registry: a call that gets no slot
      LabError               interject_lab.errors: a simulated call that cannot be set up
      ApiError               voiceagent_operator.kube.errors: refused by Kubernetes, or no answer
      NoClusterError         voiceagent_operator.kube.api: nothing says where the cluster is
      LeadershipLostError    voiceagent_operator.leader.lease: another replica may lead
      MergeError             voiceagent_operator.render.strategic_merge: a patch without sense
      TakenError             voiceagent_operator.reconcile.children: another owner's object
      CertificateError       voiceagent_operator.metrics_api.tls: none that can be served by
      FrontProxyError        voiceagent_operator.metrics_api.access: no word of who may ask

Each says what was read and what was expected. `cli` turns any of them into one line and exit
code 2; a pod logs it with the call that it ended. `media_pod.duplex` imports nothing of the
project: arrays of a wrong shape or type are its callers' bugs, and raise ValueError.
"""


class InterjectError(Exception):
    """The root: an error whose message is meant for the person who runs Interject."""


class SetupError(InterjectError):
    """This machine cannot run what was asked for; the message names the cause and the next step."""
