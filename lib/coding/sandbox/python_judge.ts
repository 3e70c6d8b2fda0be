/**
 * Python: the side that runs the checks. It compares only values that it made itself, and trusts no
 * others.
 */

/**
 * Reads one line with the checks and the secret, then the candidate's lines, each with "r" before it.
 * Writes requests and answers ("c"), preceded by the count of checks if it has changed ("p"), the first
 * failure ("f") and at the end one verdict ("v"). The failure and the verdict carry the secret.
 */
export const JUDGE = String.raw`
next_number = -1
ONLY_TREE = 0x400
streams = sys.stdin, sys.stdout, sys.stderr
patched = {name: builtins.__dict__[name] for name in ("input", "print")}
last = []
follows_random = False

def short(v):
    try:
        text = repr(v)
    except Exception:
        text = "<%s>" % type(v).__name__
    return text if len(text) <= 400 else text[:200] + " ... " + text[-195:]

def end(kind, detail):
    if Count.first is not None:
        kind, detail = Count.first
    checks = count_now(kind == "passed")
    verdict = {"class": kind, "detail": detail[-8000:], "secret": task["secret"], "checks": checks}
    write_all(goes, b"v" + dumps(verdict).encode() + b"\n")
    os._exit(0)

def tampered():
    end("tampered", "the program wrote on the channel that carries its results")

def receive():
    """The candidate's next message. What is no such message ends the run."""
    line = next(came)
    try:
        got = loads(line[1:].decode("ascii"))
        if type(got) is not dict or not ("v" in got or "e" in got or "d" in got or type(got["q"]) is str):
            raise ValueError("no message")
        return got
    except RecursionError:
        return {"e": {"E": [{"T": ["builtins", "RecursionError"]}, ["a result nested too deeply"], 0, None, {}]},
                "x": "RecursionError: a result nested too deeply"}
    except MemoryError:
        end("out_of_memory", "a result too large for the judge")
    except Exception:
        tampered()

def send(message):
    write_all(goes, progress() + b"c" + dumps(message).encode() + b"\n")

def send_reply(got, reply):
    send(reply)

def read_safely(read):
    """What a mark of the candidate's stands for."""
    try:
        return read()
    except RecursionError:
        error = RecursionError("a result nested too deeply")
        raise remotely(error, {"x": "RecursionError: a result nested too deeply"})
    except MemoryError:
        end("out_of_memory", "a result too large for the judge")
    except (Odd, ModuleNotFoundError) as error:
        end("sandbox_error", str(error))
    except Exception as error:
        tampered()

def remotely(error, got):
    """Marks an exception as one that the program raised."""
    if len(remote) > 200:
        remote.clear()
    remote[id(error)] = error, got
    return error

def is_remote(error):
    known, got = remote.get(id(error), (None, None))
    return got if known is error else None

remote = {}

def replied(got, iterates):
    """The value of a reply, or the exception that it tells of."""
    read_safely(lambda: absorb(got))
    io = got.get("io")
    if io:
        took_streams(io)
    if follows["files"] and "files" in got:
        read_safely(lambda: take_files(got["files"]))
    if follows_random and "r" in got:
        read_safely(lambda: took_random(got["r"]))
    if "d" in got:
        return got["d"]
    if "e" in got:
        error = read_safely(lambda: raised(got["e"]))
        stops = isinstance(error, (StopIteration, StopAsyncIteration))
        # elsewhere, as in a map() of the test, an end of iteration would pass for the end of the checks
        if stops and not iterates:
            error = RuntimeError(str(got.get("x", "")))
        elif stops and type(error) not in (StopIteration, StopAsyncIteration):
            error = StopIteration()
        let_go(got)
        raise remotely(error, got)
    value = read_safely(lambda: unpack(got["v"]))
    let_go(got)
    return value

def let_go(got):
    if "k" in got and depth == 0:
        read_safely(lambda: forget(set(got["k"])))

depth = 0

def took_streams(io):
    try:
        out, err, read = io
        if sys.stdout is not streams[1]:
            sys.stdout.write(out)
        if sys.stderr is not streams[2]:
            sys.stderr.write(err)
        if sys.stdin is not streams[0]:
            sys.stdin.seek(stdin_at + int(read))
    except (ValueError, TypeError, AttributeError, OSError):
        pass

stdin_at = 0

def took_random(state):
    import random
    random.setstate((state[0], tuple(state[1]), state[2]))

def may_ask():
    global touched
    touched = True

def looked_at(t):
    may_ask()
    return t

touched = False

def before_request(message):
    """The streams, the input() and the random state that the test has set, for the program too."""
    global stdin_at
    same = sys.stdin is streams[0] and sys.stdout is streams[1] and sys.stderr is streams[2]
    if not same or builtins.input is not patched["input"] or builtins.print is not patched["print"]:
        names = {n: builtins.__dict__[n] for n in patched if builtins.__dict__[n] is not patched[n]}
        text = None
        if sys.stdin is not streams[0]:
            stdin_at = sys.stdin.tell()
            text = sys.stdin.read()
        message["io"] = {"in": text, "out": sys.stdout is not streams[1], "err": sys.stderr is not streams[2],
                         "names": {n: pack(f) for n, f in names.items()}}
    told = told_state()
    if told:
        message["s"] = told
    if follows_random:
        import random
        version, state, gauss = random.getstate()
        message["r"] = [version, list(state), gauss]

def performed(got):
    global depth
    depth += 1
    try:
        return perform(got)
    finally:
        depth -= 1

def described(reply, error):
    return reply

def wait_for(v):
    try:
        v = v.__await__() if not hasattr(v, "send") else v
        while v.send(None) is None:
            pass
    except StopIteration as ended:
        return ended.value
    end("sandbox_error", "a coroutine of the test's waits for a loop while the program waits for it")

def last_call():
    """The last call and what came of it, as text: made only when it is needed."""
    global quiet
    if not last:
        return ""
    quiet = True
    return last[0]() + " " + (last[1] if len(last) == 2 else "returned " + short(last[2]))

def noted(f, args, kwargs):
    def text():
        shown = [short(a) for a in args] + ["%s=%s" % (k, short(a)) for k, a in kwargs.items()]
        return "%s(%s)" % (label_of(f), ", ".join(shown))
    return text

mirror_operate = operate

def operate(self, name, args, kwargs={}):
    if name != "__call__":
        return mirror_operate(self, name, args, kwargs)
    text = noted(self, args, kwargs)
    last[:] = [text, "did not return"]
    try:
        value = mirror_operate(self, name, args, kwargs)
    except Odd as error:
        end("sandbox_error", str(error))
    except Exception as error:
        last[:] = [text, "raised %s" % type(error).__name__]
        raise
    if type(value) is Argument:
        value = args[value.place] if type(value.place) is int and 0 <= value.place < len(args) else tampered()
    last[:] = [text, "", value]
    return value

def meaning(error):
    """What an exception says of the program: a class and a text."""
    global odd
    got = is_remote(error)
    if isinstance(error, Odd):
        return "sandbox_error", str(error)
    if got:
        if isinstance(error, MemoryError):
            return "out_of_memory", "%s\n%s" % (last_call(), got.get("x", ""))
        return "exception", last_call() + ":\n" + str(got.get("at", "")) + str(got.get("x", ""))
    if isinstance(error, MemoryError):
        return "out_of_memory", "the checks ran out of memory"
    if isinstance(error, ImportError):
        return "sandbox_error", missing(error)
    import traceback
    seen = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == "<test>"]
    lines = task["test"].splitlines()
    where = seen[-1].lineno if seen else 0
    said = lines[where - 1].strip() if 0 < where <= len(lines) else ""
    called = "\n" + last_call()
    told = "".join(traceback.format_exception_only(type(error), error)).strip()
    if isinstance(error, NameError) and error.args and foreign(error):
        return "sandbox_error", "%s\n%s: neither the test nor the problem defines it" % (said[:1500], told)
    kind = "assertion" if isinstance(error, AssertionError) and odd is None else "exception"
    if odd is not None and odd not in told:
        told += ": " + odd
    odd = None
    return kind, "%s%s\n%s" % (said[:1500], called[:1500], told[:1500])

def missing(error):
    module = error.name or str(error)
    return ("the test needs the Python module %s, which this Python lacks (%s): install it, or name "
            "another Python with --python" % (module, error))

def foreign(error):
    """Whether a name that is missing is one that nobody asked of the program."""
    name = str(error.args[0]).split("'")[1:2]
    return bool(name) and name[0] in unasked

unasked = set()

def judge():
    global of_classes, follows_random, touched
    ready = receive()
    if "v" not in ready:
        kind = ready["e"]
        if kind not in ("no_code", "syntax", "out_of_memory"):
            kind = "exception"
        end(kind, str(ready.get("at", "")) + str(ready.get("x", "the program has no statement")))
    names = ready["v"]
    if type(names) is not list or any(type(n) is not str for n in names):
        tampered()
    entry, test = task["entry_point"], task["test"]
    if entry not in names:
        end("exception", "NameError: the program defines no function %s" % entry)
    try:
        tree = compile(test, "<test>", "exec", ONLY_TREE)
        plain = compile(test, "<test>", "exec")
        wanted = names_read(plain) - names_bound(tree) - set(builtins.__dict__)
        of_classes = is_class_problem(wanted & set(names) - {entry}, entry, task["prompt"], test)
        code = compile(counting(in_order(tree, {entry, "candidate"}), task["form"]), "<test>", "exec")
    except Exception as error:
        end("sandbox_error", "the test: %s: %s" % (type(error).__name__, error))
    follow(test, task["confined"])
    if "random" in test:
        import random
        random.seed(0)
        follows_random = bool(ready.get("random"))
    try:
        space = given_names(set(names), tree, plain)
    except Exception as error:
        end("sandbox_error", "the prompt: %s: %s" % (type(error).__name__, error))
    candidate = space[entry] = value_of(entry)
    if not callable(candidate):
        end("exception", "TypeError: %s is not a function" % entry)
    space.update({"__name__": "test", HELD: held_check, FAILED: failed, KEPT: kept, TURNED: turned})
    last.clear()
    touched = not isinstance(candidate, Mirror) and type(candidate) is not MirrorType
    try:
        exec(code, space)
        if task["form"] == "check":
            if not callable(space.get("check")):
                end("sandbox_error", "the test defines no function check(candidate)")
            space["check"](candidate)
    except BaseException as error:
        end(*meaning(error))
    if not touched:
        end("sandbox_error", "the test calls no function of the program")
    end("passed", "")

came, goes = channel()
task = loads(next(came))
limit(task["limits"])
Count.started = monotonic()
sys.path[:] = [p for p in sys.path if p] + task["packages"]
judge()
`;
