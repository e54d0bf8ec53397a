from .hypermodel import HyperModel as HyperModel
from .stock import Arrays as Arrays
from .stock import compile_model as compile_model
from .stock import load_arrays as load_arrays
from .stock import train_model as train_model
