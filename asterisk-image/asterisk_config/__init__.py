"""Interject's Asterisk: one small file of values, rendered to all that Asterisk reads.

__main__                     the commands of the image
supervisor, health           Asterisk as a child process: start, drain, stop, ask
publisher, publication       what the operator publishes, while Asterisk runs
published                    the operator's side of that: agents -> the file's text; pure
environment                  values file and environment variables -> Values
reference                    the models as a table for the README
render                       (Values, Places) -> file names and texts; pure
core, modules, sip, queues, dialplan, websocket
                             one renderer per group of files
conf, template               texts that no value can break out of
values, agent_values, sip_values, texts
                             the models; what they take needs no further escaping
places                       where Asterisk's folders are
"""
