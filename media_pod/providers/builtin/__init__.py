"""Built-in providers, without network or key: espeak-ng and pocketsphinx."""
