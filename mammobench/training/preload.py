"""What the server of trial processes imports once: everything a trial needs, and no device touched.

The server starts with Ctrl-C held back (`mammobench.training.process`). While it loads, that ends it without
a word; afterwards multiprocessing has it ignore Ctrl-C, as each trial does for itself.
"""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

from mammobench.training.runtime import load_libraries  # noqa: E402 - from here on Ctrl-C ends it at once

load_libraries()

import mammobench.training.loop  # noqa: E402, F401 - Keras first, without its start-up messages
