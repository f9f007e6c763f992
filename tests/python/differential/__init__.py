"""The same HTTP calls to a stock MLflow server and to ours, answers compared.

`pair` sends a call to both, `compare` says where two answers differ, `registry` knows the cases, `known` lists what differs on
purpose, `stock` starts the stock server, `report` prints. The cases themselves are in `cases`, one file to an area.
"""
