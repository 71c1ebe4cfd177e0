"""Providers that need no network and no key: espeak-ng and pocketsphinx."""
