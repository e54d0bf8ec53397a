"""What the server of trial processes imports once: everything a trial needs, and no device touched."""

from mammobench.training.runtime import load_libraries

load_libraries()

import mammobench.training.loop  # noqa: E402, F401 - Keras first, without its start-up messages
