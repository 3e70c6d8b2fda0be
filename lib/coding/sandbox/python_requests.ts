/** Python: requests and replies, on both sides. */

/**
 * A request ("q") is answered by one line, a value ("v") or an exception ("e"). Before it answers, the
 * other side may send requests in turn, as a function does that is passed a function.
 */
export const REQUESTS = String.raw`
def begin():
    """A message with what has changed since the last one."""
    sending.clear()
    packing.clear()
    message = {}
    if snapshots:
        changed_now = changes()
        if changed_now:
            message["m"] = changed_now
    return message

def ask(make, iterates=False):
    """Sends a request and answers the other's until its reply is there."""
    with lock:
        may_ask()
        message = begin()
        before_request(message)
        message.update(make())
        if dropped:
            message["x"] = list(dropped)
            dropped.clear()
        send(message)
        while True:
            got = receive()
            if "q" not in got:
                return replied(got, iterates)
            serve(got)

def absorb(got):
    for mark in got.get("m", ()):
        unpack(mark)

def serve(got):
    """Performs a request and replies."""
    result = None
    try:
        for ticket in got.get("x", ()):
            drop(ticket)
        absorb(got)
        result = performed(got)
        with lock:
            reply = begin()
            reply["d" if got["q"] == "class" else "v"] = result if got["q"] == "class" else pack(result)
            result = None
    except BaseException as error:
        with lock:
            result = None
            reply = failure(error)
    send_reply(got, reply)

def failure(error):
    if type(error) is Odd:
        error = ValueError(*error.args)
    try:
        reply = begin()
        reply["e"] = pack_error(error, type(error))
    except BaseException:
        packing.clear()
        reply = {"e": {"E": [{"T": ["builtins", "RuntimeError"]}, ["an exception that cannot cross"], 0, None, {}]}}
    return described(reply, error)

def perform(got):
    q = got["q"]
    if q == "name":
        return named(got["n"])
    v = asked_of(got["o"])
    if q == "class":
        return describe(v)
    args = [unpack(x) for x in got.get("a", ())]
    name = got.get("n")
    may_perform(q, v, name)
    if q == "get":
        return given(getattr(v, name))
    if q == "set":
        return setattr(v, name, args[0])
    if q == "del":
        return delattr(v, name)
    if q == "dir":
        return dir(v)
    if q == "fields":
        fields = getattr(v, "__dataclass_fields__")
        return [n for n, field in fields.items() if field._field_type.name == "_FIELD"]
    if q == "copy":
        import copy
        return getattr(copy, name)(v)
    if q == "await":
        return wait_for(v)
    if q != "op" or name not in DUNDERS and name not in ("__eq__", "__ne__", "__hash__"):
        raise ValueError("unknown request")
    kwargs = {k: unpack(x) for k, x in got.get("k", ())}
    if name == "__call__":
        return called(v, args, kwargs)
    if name in WAITED:
        return wait_for(getattr(type(v), name)(v, *args))
    if isinstance(v, type):
        return {"__getitem__": lambda: v[args[0]], "__iter__": lambda: iter(v), "__len__": lambda: len(v),
                "__contains__": lambda: args[0] in v, "__repr__": lambda: repr(v)}[name]()
    return getattr(type(v), name)(v, *args)
`;
