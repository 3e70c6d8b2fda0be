/** Python: the side that runs the checks. It never sees an object of the candidate's, only values. */

/**
 * Reads one line with the checks and the secret, then the candidate's replies, each a line that
 * begins with "r". Writes calls ("c"), before a call the count of checks if it has changed ("p"),
 * the first failure ("f") and at the end one verdict ("v"); these two carry the secret.
 */
export const JUDGE = String.raw`
import builtins

ONLY_TREE = 0x400

class Remote:
    """Marks exceptions that the candidate's program raised."""

class Opaque:
    """An object without a built-in form. It can be passed back to the program and nothing else."""
    __slots__ = ("ticket", "kind")

    def __init__(self, ticket, kind):
        self.ticket, self.kind = ticket, kind

    def __repr__(self):
        return "<%s object>" % self.kind

    def refuse(self, *_):
        raise TypeError("the program gave an object of type %s, which is no built-in value" % self.kind)

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __len__ = refuse
    __iter__ = __contains__ = __getitem__ = __hash__ = __int__ = __float__ = refuse

def pack_other(v, t):
    if t is Opaque:
        return {"o": [v.ticket, v.kind]}
    raise TypeError("the test passes an object of type %s, which is no built-in value" % t.__name__)

def unpack_held(x):
    if type(x[0]) is not int or type(x[1]) is not str:
        raise ValueError("no ticket")
    return Opaque(x[0], x[1][:100])

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

def reply():
    """The candidate's next message. What is no such message ends the run."""
    line = next(came)
    try:
        got = loads(line[1:].decode("ascii"))
        if type(got) is not dict or not ("v" in got or type(got["e"]) is str):
            raise ValueError("no reply")
        return got
    except RecursionError:
        return {"e": "RecursionError", "x": "a result nested too deeply"}
    except MemoryError:
        end("out_of_memory", "a result too large for the judge")
    except Exception:
        end("tampered", "the program wrote on the channel that carries its results")

def unpacked(j):
    try:
        return unpack(j)
    except RecursionError:
        raise raised({"e": "RecursionError", "x": "a result nested too deeply"})
    except MemoryError:
        end("out_of_memory", "a result too large for the judge")
    except Exception:
        end("tampered", "the program wrote on the channel that carries its results")

kinds = {}

def raised(got):
    """The candidate's exception as the built-in class that it names, so that a test can catch it."""
    base = getattr(builtins, got["e"], None)
    # in a map() of the test an end of iteration would pass for the end of the checks
    stops = (StopIteration, StopAsyncIteration)
    if not isinstance(base, type) or not issubclass(base, Exception) or issubclass(base, stops):
        base = RuntimeError
    if base not in kinds:
        kinds[base] = type(base.__name__, (Remote, base), {"__init__": lambda self, *a: None})
    try:
        error = kinds[base](str(got.get("x", "")))
    except Exception:
        error = type("RuntimeError", (Remote, RuntimeError), {})(str(got.get("x", "")))
    error.remote = got
    return error

def restore(old, new):
    """Gives a mutable argument the content that the call left in it, keeping its identity."""
    t = type(old)
    if t is not type(new):
        return
    if t is list:
        kept = old[:]
        old[:] = new
        for i, (a, b) in enumerate(zip(kept, new)):
            if type(a) is type(b) and type(a) in (list, dict, set, bytearray):
                restore(a, b)
                old[i] = a
    elif t is dict:
        kept = dict(old)
        old.clear()
        old.update(new)
        for k, a in kept.items():
            b = new.get(k)
            if type(a) is type(b) and type(a) in (list, dict, set, bytearray):
                restore(a, b)
                old[k] = a
    elif t is set:
        old.clear()
        old.update(new)
    elif t is bytearray:
        old[:] = new
    elif t is tuple:
        for a, b in zip(old, new):
            restore(a, b)

last = []

def last_call():
    """The last call and what came of it, as text: made only when it is needed."""
    if not last:
        return ""
    name, args, kwargs = loads(last[0])
    shown = [short(unpack(a)) for a in args]
    shown += ["%s=%s" % (k, short(unpack(a))) for k, a in kwargs.items()]
    return "%s(%s) %s" % (name, ", ".join(shown), last[1] if len(last) == 2 else "returned " + short(last[2]))

def proxy(name):
    def function(*args, **kwargs):
        try:
            packed = [name, [pack(a) for a in args], {k: pack(a) for k, a in kwargs.items()}]
            packed = dumps(packed)
        except TypeError as error:
            end("sandbox_error", str(error))
        last[:] = [packed, "did not return"]
        write_all(goes, progress() + b"c" + packed.encode() + b"\n")
        got = reply()
        if "v" not in got:
            last[1] = "raised %s" % str(got.get("n", got["e"]))[:100]
            raise raised(got)
        if "m" in got:
            try:
                after, named = got["m"]
                for old, new in zip(args, after):
                    restore(old, unpacked(new))
                for k, new in named.items():
                    restore(kwargs[k], unpacked(new))
            except (KeyError, ValueError, TypeError, AttributeError):
                end("tampered", "the program wrote on the channel that carries its results")
        result = unpacked(got["v"])
        last[1:] = ["", result]
        return result
    function.__name__ = name
    return function

def names_read(code):
    """Every name that a compiled text reads, its functions' too."""
    found = set(code.co_names)
    for inner in code.co_consts:
        if type(inner) is type(code):
            found |= names_read(inner)
    return found

def prompt_names(prompt):
    """What the task's text defines; a text that ends in an open function is closed first."""
    for text in (prompt, prompt + "\n    pass\n"):
        try:
            code = compile(text, "<prompt>", "exec")
        except SyntaxError:
            continue
        found = {"__name__": "prompt"}
        exec(code, found)
        return found
    return {}

def meaning(error):
    """What an exception says of the program: a class and a text."""
    if isinstance(error, Remote):
        got = error.remote
        if got["e"] == "MemoryError":
            return "out_of_memory", "%s\n%s" % (last_call(), got.get("x", ""))
        return "exception", last_call() + ":\n" + str(got.get("at", "")) + str(got.get("x", ""))
    if isinstance(error, MemoryError):
        return "out_of_memory", "the checks ran out of memory"
    import traceback
    seen = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == "<test>"]
    lines = task["test"].splitlines()
    where = seen[-1].lineno if seen else 0
    said = lines[where - 1].strip() if 0 < where <= len(lines) else ""
    called = "\n" + last_call()
    told = "".join(traceback.format_exception_only(type(error), error)).strip()
    kind = "assertion" if isinstance(error, AssertionError) else "exception"
    return kind, "%s%s\n%s" % (said[:1500], called[:1500], told[:1500])

def judge():
    ready = reply()
    if "v" not in ready:
        kind = ready["e"]
        if kind not in ("no_code", "syntax"):
            kind = "out_of_memory" if kind == "MemoryError" else "exception"
        end(kind, str(ready.get("at", "")) + str(ready.get("x", "the program has no statement")))
    names = ready["v"]
    if type(names) is not list or any(type(n) is not str for n in names):
        end("tampered", "the program wrote on the channel that carries its results")
    entry, test = task["entry_point"], task["test"]
    if entry not in names:
        end("exception", "NameError: the program defines no function %s" % entry)
    try:
        tree = compile(test, "<test>", "exec", ONLY_TREE)
        code = compile(counting(tree, task["form"]), "<test>", "exec")
        space = prompt_names(task["prompt"]) if task["prompt"] else {}
        wanted = names_read(code)
    except Exception as error:
        end("sandbox_error", "the test: %s: %s" % (type(error).__name__, error))
    space.update({"__name__": "test", HELD: held, FAILED: failed})
    for name in [] if task["prompt"] else names:
        # never a name that Python has: the checks' own abs() and len() are not the program's
        if name in wanted and name not in space and not hasattr(builtins, name):
            space[name] = proxy(name)
    candidate = space[entry] = proxy(entry)
    if "random" in test:
        import random
        random.seed(0)
    try:
        exec(code, space)
        if task["form"] == "check":
            if not callable(space.get("check")):
                end("sandbox_error", "the test defines no function check(candidate)")
            space["check"](candidate)
    except BaseException as error:
        end(*meaning(error))
    if not last:
        end("sandbox_error", "the test calls no function of the program")
    end("passed", "")

came, goes = channel()
task = loads(next(came))
limit(task["limits"])
Count.started = monotonic()
sys.path[:] = [p for p in sys.path if p] + task["packages"]
judge()
`;
