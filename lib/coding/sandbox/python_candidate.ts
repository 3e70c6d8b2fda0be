/** Python: the side that runs the candidate's program and performs requests on its objects. */

/**
 * Reads one line with the program and its limits, runs it as a module, writes the names that it defines,
 * and then answers each request. It receives neither the checks nor the secret; the judge treats
 * everything that it writes only as a result.
 */
export const CANDIDATE = String.raw`
next_number = 0
source = ""
active = 0
space = {}
random_state = None

def may_cross(v, t):
    pass

def may_perform(q, v, name):
    pass

def may_ask():
    if not active:
        raise RuntimeError("the checks are not there any more")

def comparison(self, name, other):
    return None

def contains(self, other):
    return None

def predicate(self, name):
    return False

def looked_at(t):
    return t

def given(v):
    return v

def before_request(message):
    pass

def asked_of(mark):
    return unpack(mark)

def called(f, args, kwargs):
    result = f(*args, **kwargs)
    # one that does not change has no number: that it is an argument is told by its place
    if kind_of(type(result)) is None:
        for i, arg in enumerate(args):
            if arg is result:
                return Argument(i)
    return result

def named(name):
    return space[name]

def receive():
    return loads(next(came))

def send(message):
    sys.stdout.flush()
    write_all(goes, dumps(message).encode() + b"\n")

def replied(got, iterates):
    absorb(got)
    if "e" in got:
        raise raised(got["e"])
    return got["d"] if "d" in got else unpack(got["v"])

def wait_for(v):
    """What an awaitable comes to, in the one loop of this process."""
    global loop
    import asyncio
    async def waits():
        return await v
    if loop is None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
    return loop.run_until_complete(waits())

loop = None

def performed(got):
    """Performs a request in the state that the test has set in its own process."""
    told = got.get("s", {})
    undo = take_state(told)
    try:
        return with_streams(got)
    finally:
        for module, name, value in undo:
            setattr(module, name, value)
        if "files" in told:
            got["changed"] = changed_files()

def with_streams(got):
    """Performs a request with the streams, the random state and the input() that the test has."""
    global random_state
    io = got.get("io")
    if "r" in got:
        import random
        random_state = random.getstate()
        version, numbers_of, gauss = got["r"]
        random.setstate((version, tuple(numbers_of), gauss))
    if not io:
        return perform(got)
    from _io import StringIO
    streams = sys.stdin, sys.stdout, sys.stderr
    own = {name: builtins.__dict__[name] for name in io["names"]}
    out, err, came_in = StringIO(), StringIO(), StringIO(io["in"] or "")
    if io["out"]:
        sys.stdout = out
    if io["err"]:
        sys.stderr = err
    if io["in"] is not None:
        sys.stdin = came_in
    for name, mark in io["names"].items():
        setattr(builtins, name, unpack(mark))
    try:
        return perform(got)
    finally:
        sys.stdin, sys.stdout, sys.stderr = streams
        for name, value in own.items():
            setattr(builtins, name, value)
        got["printed"] = [out.getvalue(), err.getvalue(), came_in.tell()]

def send_reply(got, reply):
    if "changed" in got:
        reply["files"] = got["changed"]
    if "printed" in got:
        reply["io"] = got["printed"]
    if "r" in got:
        import random
        version, numbers_of, gauss = random.getstate()
        reply["r"] = [version, list(numbers_of), gauss]
    if active == 1 and snapshots:
        reply["k"] = held_elsewhere()
    try:
        line = dumps(reply)
    except BaseException as error:
        sending.clear()
        line = dumps(described({"e": {"E": [{"T": ["builtins", "RecursionError"]}, [str(error)], 0, None, {}]}}, error))
    sys.stdout.flush()
    sys.stderr.flush()
    write_all(goes, line.encode() + b"\n")
    if "k" in reply:
        forget(reply["k"])

def described(reply, error):
    """An exception's text and the program's own last frames beside it."""
    try:
        import collections, linecache, traceback
        linecache.cache["<program>"] = (len(source), None, source.splitlines(True), "<program>")
        own, tb = collections.deque(maxlen=6), error.__traceback__
        while tb is not None:
            if tb.tb_frame.f_code.co_filename == "<program>":
                own.append((tb.tb_frame, tb.tb_lineno))
            tb = tb.tb_next
        at = "".join(traceback.format_list(traceback.StackSummary.extract(iter(own))))
        text = "".join(traceback.format_exception_only(type(error), error)).strip()
    except BaseException:
        at, text = "", type(error).__name__
    return {**reply, "n": type(error).__name__, "x": text[:2000], "at": at[-2000:]}

ONLY_TREE = 0x400

def is_text(statement):
    return type(statement).__name__ == "Expr" and type(statement.value).__name__ == "Constant"

def start(code):
    """Runs the module; its namespace, or None where there is no statement."""
    tree = compile(code, "<program>", "exec", ONLY_TREE, True)
    if all(is_text(statement) for statement in tree.body):
        return None
    module = type(sys)("program")
    sys.modules["program"] = module
    exec(compile(tree, "<program>", "exec", 0, True), module.__dict__)
    return module.__dict__

def main():
    global source, space
    task = loads(next(came))
    limit(task["limits"])
    write_all(goes, b"up\n")
    sys.path[:] = [p for p in sys.path if p] + task["packages"]
    try:
        source = task["code"]
        space = start(source)
        if space is None:
            reply = {"e": "no_code"}
        else:
            names = [n for n in list(space) if type(n) is str and not n.startswith("__")]
            reply = {"v": names[:10000], "random": "random" in source}
    except BaseException as error:
        reply = described({"e": "exception"}, error)
        if isinstance(error, MemoryError):
            reply["e"] = "out_of_memory"
        if isinstance(error, SyntaxError) and error.filename == "<program>" and not reply["at"]:
            reply["e"] = "syntax"
    sys.stdout.flush()
    sys.stderr.flush()
    write_all(goes, dumps(reply).encode() + b"\n")
    while True:
        serve(receive())

def counted(serve):
    """How deep requests are nested: what is not one's own is forgotten at the end of the outermost."""
    def deeper(got):
        global active
        active += 1
        try:
            serve(got)
        finally:
            active -= 1
    return deeper

serve = counted(serve)
came, goes = channel()
main()
`;
