"""The search: engines that propose and learn, the loop that asks, runs and records, devices, cluster jobs.

From outside: `request.Request` is a search as asked for, `loop.run_search` runs it; `engines.making`
gives a method of Optuna or KerasTuner behind one interface.
"""
