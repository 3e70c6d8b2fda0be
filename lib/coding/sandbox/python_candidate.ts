/** Python: the side that runs the candidate's program and answers calls of its functions. */

/**
 * Reads one line with the program and its limits, runs it as a module, writes the names of its
 * functions, and then answers each call with a result or an exception. It is told neither the
 * checks nor the secret, and nothing that it writes is believed to be more than a result.
 */
export const CANDIDATE = String.raw`
def pack_other(v, t):
    if issubclass(t, int):
        return pack(int.__add__(v, 0))
    if issubclass(t, float):
        return float.__float__(v)
    if issubclass(t, complex):
        return pack(complex.__add__(v, 0j))
    if issubclass(t, str):
        return str.__str__(v)
    if issubclass(t, list):
        return [pack(x) for x in list.__iter__(v)]
    if issubclass(t, tuple):
        return {"t": [pack(x) for x in tuple.__iter__(v)]}
    if issubclass(t, dict):
        return {"d": [[pack(k), pack(x)] for k, x in dict.items(v)]}
    if issubclass(t, set):
        return {"s": [pack(x) for x in set.__iter__(v)]}
    if issubclass(t, frozenset):
        return {"f": [pack(x) for x in frozenset.__iter__(v)]}
    if issubclass(t, bytes):
        return {"b": bytes.hex(v)}
    if issubclass(t, bytearray):
        return {"a": bytearray.hex(v)}
    if t in (type({}.keys()), type({}.items())):
        return {"s": [pack(x) for x in v]}
    if t is type({}.values()):
        return [pack(x) for x in v]
    if hasattr(t, "__index__"):
        return pack(int(v))
    if hasattr(t, "__next__"):
        found = []
        for x in v:
            found.append(pack(x))
            if len(found) > LONGEST_ITERATOR:
                raise ValueError("an iterator with more than %d values was returned" % LONGEST_ITERATOR)
        return found
    ticket = len(held)
    held[ticket] = v
    return {"o": [ticket, t.__name__]}

def unpack_held(x):
    return held[x[0]]

def described(error):
    """An exception as its nearest built-in class, its text and the program's own last frames."""
    import builtins, collections, linecache, traceback
    kind = "Exception"
    for t in type(error).__mro__:
        if getattr(builtins, t.__name__, None) is t:
            kind = t.__name__
            break
    try:
        linecache.cache["<program>"] = (len(source), None, source.splitlines(True), "<program>")
        own, tb = collections.deque(maxlen=6), error.__traceback__
        while tb is not None:
            if tb.tb_frame.f_code.co_filename == "<program>":
                own.append((tb.tb_frame, tb.tb_lineno))
            tb = tb.tb_next
        at = "".join(traceback.format_list(traceback.StackSummary.extract(iter(own))))
        text = "".join(traceback.format_exception_only(type(error), error)).strip()
    except BaseException:
        at, text = "", kind
    return {"e": kind, "n": type(error).__name__, "x": text[:2000], "at": at[-2000:]}

ONLY_TREE = 0x400
source = ""

def is_text(statement):
    return type(statement).__name__ == "Expr" and type(statement.value).__name__ == "Constant"

def start(code):
    """Runs the module; its functions by name, or None where there is no statement."""
    tree = compile(code, "<program>", "exec", ONLY_TREE, True)
    if all(is_text(statement) for statement in tree.body):
        return None
    module = type(sys)("program")
    sys.modules["program"] = module
    exec(compile(tree, "<program>", "exec", 0, True), module.__dict__)
    return module.__dict__

def call(functions, asked):
    name, args, kwargs = loads(asked)
    before = dumps([args, kwargs])
    args = [unpack(a) for a in args]
    kwargs = {k: unpack(a) for k, a in kwargs.items()}
    result = pack(functions[name](*args, **kwargs))
    after = [[pack(a) for a in args], {k: pack(a) for k, a in kwargs.items()}]
    return {"v": result} if dumps(after) == before else {"v": result, "m": after}

def main():
    global source
    came, goes = channel()
    task = loads(next(came))
    limit(task["limits"])
    write_all(goes, b"up\n")
    sys.path[:] = [p for p in sys.path if p] + task["packages"]
    try:
        source = task["code"]
        functions = start(source)
        if functions is None:
            reply = {"e": "no_code"}
        else:
            names = [n for n, f in list(functions.items()) if callable(f) and type(n) is str]
            reply = {"v": names[:10000]}
    except BaseException as error:
        reply = described(error)
        if isinstance(error, SyntaxError) and error.filename == "<program>" and not reply["at"]:
            reply["e"] = "syntax"
    line = dumps(reply)
    while True:
        sys.stdout.flush()
        sys.stderr.flush()
        write_all(goes, line.encode() + b"\n")
        line = ""
        asked = next(came)
        try:
            line = dumps(call(functions, asked))
        except BaseException as error:
            line = dumps(described(error))

main()
`;
