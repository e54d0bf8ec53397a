"""What the server of trial processes imports once: everything a trial needs, and no device touched."""

from mammobench.runtime import load_libraries

load_libraries()

import mammobench.training  # noqa: E402, F401 - Keras first, without its start-up messages
