"""Dashboards and alert rules, written in Python and generated into the chart and the docs."""
