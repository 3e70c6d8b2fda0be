/** Python: values of built-in types as lines of JSON; shared by the candidate's side and the judge's. */

/**
 * `pack` turns a value into JSON, `unpack` a JSON value back. Lists, strings, numbers, booleans and
 * None are themselves; any other type is an object with one key that names it.
 *
 * The candidate's side packs whatever a program returns: subclasses become their built-in base
 * through the base's own methods, iterators become lists, and what has no built-in form is kept
 * and sent as a ticket that can only be passed back as an argument. Nothing that the candidate's
 * side does matters to safety: `unpack` on the judge's side makes exact built-in types only.
 */
export const CODEC = String.raw`
import sys
import posix as os

def quick_json():
    """json.dumps and json.loads without their modules, whose import takes as long as Python's start."""
    import _json
    class Context:
        strict, object_hook, object_pairs_hook = True, None, None
        parse_float, parse_int = float, int
        parse_constant = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}.get
        memo = {}
    scan = _json.make_scanner(Context)
    def loads(text):
        if type(text) is bytes:
            text = text.decode("ascii")
        try:
            value, end = scan(text, 0)
        except StopIteration:
            end = -1
        if end != len(text):
            raise ValueError("no JSON")
        return value
    def default(v):
        raise TypeError("no JSON")
    encode = _json.make_encoder(
        {}, default, _json.encode_basestring_ascii, None, ":", ",", False, False, True)
    def dumps(value):
        t = type(value)
        if t is str:
            return _json.encode_basestring_ascii(value)
        if t is list or t is dict:
            return "".join(encode(value, 0))
        return "".join(encode([value], 0))[1:-1]
    tried = {"a": [1, -2.5, None, True, "\u00e9\n"]}
    if loads(dumps(tried)) != tried or loads(dumps(7)) != 7 or loads("[NaN]") == [0]:
        raise ValueError("another json than ours")
    return loads, dumps

try:
    loads, dumps = quick_json()
except Exception:
    from json import loads, dumps

LONGEST_ITERATOR = 1000000
held = {}

def pack(v):
    t = type(v)
    if v is None or t is str or t is bool or t is float:
        return v
    if t is int:
        return v if -(1 << 63) < v < (1 << 63) else {"i": hex(v)}
    if t is list:
        return [pack(x) for x in v]
    if t is tuple:
        return {"t": [pack(x) for x in v]}
    if t is dict:
        return {"d": [[pack(k), pack(x)] for k, x in v.items()]}
    if t is set:
        return {"s": [pack(x) for x in v]}
    if t is frozenset:
        return {"f": [pack(x) for x in v]}
    if t is bytes:
        return {"b": v.hex()}
    if t is bytearray:
        return {"a": v.hex()}
    if t is complex:
        return {"c": [v.real, v.imag]}
    if t is range:
        return {"r": [pack(v.start), pack(v.stop), pack(v.step)]}
    return pack_other(v, t)

def unpack(j):
    if type(j) is list:
        return [unpack(x) for x in j]
    if type(j) is not dict:
        return j
    (k, x), = j.items()
    if k == "t":
        return tuple([unpack(y) for y in x])
    if k == "d":
        return {unpack(a): unpack(b) for a, b in x}
    if k == "s":
        return {unpack(y) for y in x}
    if k == "f":
        return frozenset([unpack(y) for y in x])
    if k == "i":
        return int(x, 16)
    if k == "b":
        return bytes.fromhex(x)
    if k == "a":
        return bytearray.fromhex(x)
    if k == "c":
        return complex(x[0], x[1])
    if k == "r":
        return range(*[unpack(y) for y in x])
    if k == "o":
        return unpack_held(x)
    raise ValueError("unknown mark")

def lines_of(fd):
    left = b""
    while True:
        end = left.find(b"\n")
        while end < 0:
            more = os.read(fd, 1 << 16)
            if not more:
                os._exit(0)
            end = more.find(b"\n")
            if end >= 0:
                end += len(left)
            left += more
        yield left[:end]
        left = left[end + 1:]

def write_all(fd, data):
    while data:
        data = data[os.write(fd, data):]

def limit(limits):
    try:
        import resource
    except ImportError: # in Pyodide, which is limited from outside
        return
    for name, value in limits["rlimits"].items():
        which = getattr(resource, "RLIMIT_" + name, None)
        if which is None:
            continue
        hard = resource.getrlimit(which)[1]
        if hard != resource.RLIM_INFINITY and (value > hard or value < 0):
            value = hard
        resource.setrlimit(which, (value, value))
    uid = limits["uid"]
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)

def channel():
    """The channel's two ends; printing goes to the error stream, reading from nowhere."""
    os.closerange(3, 4096)
    came, goes = os.dup(0), os.dup(1)
    nowhere = os.open("/dev/null", os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.dup2(2, 1)
    os.close(nowhere)
    return lines_of(came), goes
`;
