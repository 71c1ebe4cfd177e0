"""Generator of Grafana dashboards, Prometheus alerting rules and their documentation."""
