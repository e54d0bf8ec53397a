"""What may be searched: `TrialConfig`, hyperparameters, search spaces, and the YAML that they are written in.

From outside: `config.TrialConfig` and its `KEYS`, `search_space.SearchSpace`, `yaml_file.load_space`.
"""
