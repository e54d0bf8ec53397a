"""From a configuration to predictions: one trial, in a process of its own.

From outside: `task.Trial`, `task.Run` and `task.TrialTask` say what to run and how, `process.TrialProcess`
runs it, `result.TrialResult` is the outcome; `predict` uses a trained model. `loop.run_trial` trains it.
"""
