"""Interject's Asterisk: renders a small values file to Asterisk's complete configuration.

__main__                     commands of the image
supervisor                   Asterisk as a child process: start, drain, stop, health check
publisher, certificate       reload the published dialplan and the TLS certificate at runtime
reload                       state machine of a reload
environment                  values file and environment variables -> Values
render                       (Values, Places) -> files, snippet, table of values; pure
published                    the operator's side: agents -> published dialplan; pure
core, modules, sip, dialplan one renderer per group of files
conf                         text formats, safe against injection
values, agent_values, sip_values, texts
                             the models; validated values need no further escaping
places                       paths of Asterisk, atomic writes
"""
