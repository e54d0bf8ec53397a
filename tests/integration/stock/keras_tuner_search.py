import keras_tuner

import mammobench
from mammobench.models import HyperModel, load_arrays

space = mammobench.load_space("quick")
train, validation = load_arrays("stores/ddsm", space)
objective = keras_tuner.Objective("val_auc", "max")
tuner = keras_tuner.RandomSearch(HyperModel(space, train), objective, max_trials=2, directory="tuner")
tuner.search(*train, validation_data=validation, epochs=1)
print(tuner.get_best_hyperparameters()[0].values)
