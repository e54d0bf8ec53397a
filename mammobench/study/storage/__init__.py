"""Optuna's storages as the record of a study: a journal in its folder, or PostgreSQL for many machines.

From outside: `access.open_storage`, and the calls there that outlive a dead worker or a server that is away.
"""
