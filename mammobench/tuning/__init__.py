"""The search: engines that propose and learn, the loop that asks, runs and records, devices, cluster jobs.

From outside: `request.Request` is a search as asked for, `opening.start_or_continue` makes or opens its
study, `loop.run_search` runs it and tells an observer `events`; `engines.making` gives a method of Optuna or
KerasTuner behind one interface.
"""
