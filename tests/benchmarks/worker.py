"""The loop of a worker: a process that holds one library and does what it is told.

It reads a line of JSON from standard input and answers with one on standard output; in between
it sleeps. Its first line names the versions of what it holds. The requests are

- ``{"prepare": contestant, "case": [...], "expected": path}``: build the case and compare its
  result with that in the file, or write it there if there is none. The answer has ``wrong``: null,
  or what is wrong with it.
- ``{"time": contestant}``: take one sample of the case prepared last. The answer has
  ``seconds``, those of a single call.
- ``{"evaluate": name, "file": path}``: the file, in NumPy's npz format, has points ``x`` and
  incoming gradients ``g``, and is replaced by one with ``value`` and ``gradient``. The answer has
  ``known``: whether the library has an activation of this name.

and what else a worker brings along. An answer with ``error`` says that the request failed.
"""

import gc
import json
import os
import sys
from itertools import repeat
from time import perf_counter

import numpy as np
from cases import Case, what_is_wrong

# A sample is the fastest of a few stretches: in the others, another program may have had the core.
# A stretch lasts so many seconds, unless a single call lasts longer.
STRETCHES, STRETCH = 4, 0.003


def seconds_of(call, times):
    start = perf_counter()
    for _ in repeat(None, times):
        call()
    return perf_counter() - start


def calls_in(seconds, call):
    """How many calls last about so many seconds; at least one."""
    call()
    times = 1
    while True:
        lasted = seconds_of(call, times)
        if lasted >= seconds / 4:
            return max(1, int(round(times * seconds / lasted)))
        times *= 4


def one_line(error):
    return "{}: {}".format(type(error).__name__, " ".join(str(error).split())[:300])


def differs(case, arrays, path):
    """What is wrong with a result, beside that in a file; the first one makes the file."""
    is_first = not os.path.exists(path)
    expected = arrays
    if not is_first:
        with np.load(path) as file:
            expected = [file[name] for name in file.files]
    wrong = what_is_wrong(case, arrays, expected)
    if is_first and wrong is None:
        np.savez(path, *arrays)
    return wrong


def serve(versions, build, activations=(), value_and_gradient=None, **handlers):
    """Answer requests until standard input ends.

    `build` makes of (contestant, case) two functions without arguments: one to be timed, and one
    that gives the arrays of the result, called once and first. `value_and_gradient` makes two
    arrays of (one of the activations, x, g). Further `handlers` make the answer of the value under
    their name and the whole request.
    """
    # What a library prints is not to be taken for an answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    prepared = {}

    def prepare(contestant, request):
        prepared.pop(contestant, None)
        # Not later: after its answer a worker has to be idle, lest it disturb the next one.
        gc.collect()
        case = Case(*request["case"])
        try:
            call, arrays = build(contestant, case)
            wrong = differs(case, arrays(), request["expected"])
        except Exception as error:
            wrong = one_line(error)
        if wrong is None:
            prepared[contestant] = call, calls_in(STRETCH, call)
        return {"wrong": wrong}

    def time(contestant, request):
        call, times = prepared[contestant]
        if times > 1:
            # Others have run since: wake the threads, fill the caches.
            seconds_of(call, times // 2)
        stretches = STRETCHES if times > 1 else 1
        return {"seconds": min(seconds_of(call, times) for _ in range(stretches)) / times}

    def evaluate(name, request):
        if name in activations:
            with np.load(request["file"]) as given:
                found = value_and_gradient(activations[name], given["x"], given["g"])
            np.savez(request["file"], value=found[0], gradient=found[1])
        return {"known": name in activations}

    handlers = dict(handlers, prepare=prepare, time=time, evaluate=evaluate)
    gc.disable()

    def answer(**values):
        answers.write(json.dumps(values) + "\n")
        answers.flush()

    answer(versions=versions)
    for line in sys.stdin:
        request = json.loads(line)
        (name,) = set(request) & set(handlers)
        try:
            answer(**handlers[name](request[name], request))
        except Exception as error:
            answer(error=one_line(error))
