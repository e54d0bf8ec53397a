import optuna

import mammobench
from mammobench.models import load_arrays, train_model

space = mammobench.load_space("quick")
train, validation = load_arrays("stores/ddsm", space)


def objective(trial: optuna.Trial) -> float:
    config = space.config(space.suggest(trial))
    return float(max(train_model(config, train, validation_data=validation, epochs=1).history["val_auc"]))


study = optuna.create_study(direction="maximize")
study.optimize(objective, n_trials=2)
