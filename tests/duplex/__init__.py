"""Tests of the duplex core. A package, so that its helpers have names of their own."""
