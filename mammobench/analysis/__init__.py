"""What is done with a study: search it to its report, reproduce, replicate, stress, explain, evaluate, mend.

From outside: one function a command, such as `reproduction.reproduce_trial`. Whatever trains a recorded trial
again goes through `retraining.trained_again`.
"""
