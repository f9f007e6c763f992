"""Flows of the stock MLflow client, each with checks of its own and comparable from server to server."""
