"""Which image is trained on, validated on and tested on: tasks, splits by group, draws, batches.

From outside: `split.make_split` and `split.Split`, `tasks.get_task`, `batches.training_batches`.
"""
