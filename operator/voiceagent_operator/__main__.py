"""`python3 -m voiceagent_operator`: the command line."""

from voiceagent_operator.cli import main

main()
