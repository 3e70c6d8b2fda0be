/** Python: lines of JSON in and out, and the limits that a process sets for itself; used by both sides. */

/**
 * Runs before anything untrusted. It keeps its own references to Python's built-in names, so that a
 * program that replaces them affects only itself.
 */
export const CHANNEL = String.raw`
import builtins
globals().update({k: v for k, v in builtins.__dict__.items() if k not in globals()})
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

def lines_of(fd):
    left = b""
    while True:
        end = left.find(b"\n")
        parts, length = [left], len(left)
        while end < 0: # joined once: a program may send tens of megabytes
            more = os.read(fd, 1 << 16)
            if not more:
                os._exit(0)
            end = more.find(b"\n")
            if end >= 0:
                end += length
            parts.append(more)
            length += len(more)
        left = b"".join(parts)
        yield left[:end]
        left = left[end + 1:]

def write_all(fd, data):
    rest = memoryview(data)
    while len(rest):
        rest = rest[os.write(fd, rest):]

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
