"""Dashboards as code, and the alerts in the form that Kubernetes' Prometheus operator takes."""
