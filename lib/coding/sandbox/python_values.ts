/** Python: transfers values between the program and the checks, keeping their types. */

/**
 * `pack` turns a value into JSON, `unpack` turns it back. Text, numbers, booleans and None are
 * themselves; anything else is an object with one key that names its kind. A value of a type from the
 * language or the standard library is rebuilt on the other side with the same type. Everything else (the
 * program's own objects, functions, iterators) stays where it is, and a ticket represents it.
 *
 * Lists, dicts and other mutable values have a number, so that one that is sent twice is the same object
 * on the other side. Each message contains what has changed in them since the last one. After each call
 * the candidate's side lists the values that its program still has; the others are forgotten.
 *
 * Safety does not depend on the candidate's side: `unpack` makes what a mark names from plain values,
 * with the constructors in its process.
 */
export const VALUES = String.raw`
from _operator import is_

MOST_KEPT = 200

class Odd(ValueError):
    """What cannot cross."""

class Argument:
    """Stands for an argument of the call that is given back."""
    def __init__(self, place):
        self.place = place

# what has crossed, by number; the numbers by id(); the content that it had
table, numbers, snapshots = {}, {}, {}
next_number = 0  # each side has every second one
sending, packing = set(), set()

def known(module, name, t):
    """Whether a type is that of a module that this process has loaded."""
    return getattr(sys.modules.get(module), name, None) is t

def pairs_of(v):
    return [pack(x) for pair in dict.items(v) for x in pair]

def fill_dict(v, items):
    dict.clear(v)
    for k, x in zip(items[::2], items[1::2]):
        dict.__setitem__(v, k, x)

def fill_ordered(v, items):
    t = sys.modules["collections"].OrderedDict
    t.clear(v)
    for k, x in zip(items[::2], items[1::2]):
        t.__setitem__(v, k, x)

def fill_list(v, items):
    list.__setitem__(v, slice(None), items)

def fill_set(v, items):
    set.clear(v)
    set.update(v, items)

def fill_deque(v, items):
    t = sys.modules["collections"].deque
    t.clear(v)
    t.extend(v, items)

def fill_array(v, items):
    v[:] = type(v)(v.typecode, items)

def fill_bytes(v, items):
    v[:] = bytes(items)

def fill_numpy(v, items):
    import numpy
    v[...] = numpy.array(items, dtype=v.dtype).reshape(v.shape)

def items_of(v):
    return [pack(x) for x in list.__iter__(v)]

def flat_dict(v):
    return list(dict.keys(v)) + list(dict.values(v))

def flat_deque(v):
    return list(sys.modules["collections"].deque.__iter__(v))

def numpy_list(v):
    return [pack(x) for x in v.ravel().tolist()]

# a kind of changing value: its module and type, what else makes it, its content as marks, how a
# content is put into it, and its content as a list of objects
CHANGING = {
    "l": ("builtins", "list", None, items_of, fill_list, lambda v: list(list.__iter__(v))),
    "d": ("builtins", "dict", None, pairs_of, fill_dict, flat_dict),
    "s": ("builtins", "set", None, lambda v: [pack(x) for x in set.__iter__(v)], fill_set,
          lambda v: list(set.__iter__(v))),
    "a": ("builtins", "bytearray", None, lambda v: list(bytes(v)), fill_bytes, list),
    "q": ("collections", "deque", lambda v: v.maxlen, lambda v: [pack(x) for x in flat_deque(v)],
          fill_deque, lambda v: flat_deque(v)),
    "n": ("collections", "Counter", None, pairs_of, fill_dict, flat_dict),
    "h": ("collections", "OrderedDict", None, pairs_of, fill_ordered, flat_dict),
    "g": ("collections", "defaultdict", lambda v: v.default_factory, pairs_of, fill_dict, flat_dict),
    "y": ("array", "array", lambda v: v.typecode, lambda v: [pack(x) for x in v], fill_array, list),
    "N": ("numpy", "ndarray", lambda v: (v.dtype.str, v.shape), numpy_list, fill_numpy,
          lambda v: [v.tobytes()] if v.dtype.kind != "O" else v.ravel().tolist()),
}

def make(kind, extra, t=None):
    """An empty one; of the class t, which is derived from the kind's type."""
    module, name = CHANGING[kind][:2]
    base = shared_type(module, name)
    t = t or base
    if kind == "q":
        v = base.__new__(t)
        base.__init__(v, [], extra)
    elif kind == "g":
        v = base.__new__(t)
        base.__init__(v, extra)
    elif kind == "y":
        v = base.__new__(t, extra)
    elif kind == "N":
        v = base(tuple(extra[1]), dtype=extra[0])
    else:
        v = base.__new__(t)
    return v

def once(find):
    """find, asked once for each type."""
    found = {}
    def ask_once(t):
        at = found.get(id(t))
        if at is None:
            at = found[id(t)] = t, find(t)
        return at[1]
    return ask_once

@once
def kind_of(t):
    for kind, (module, name, *_) in CHANGING.items():
        if known(module, name, t):
            return kind
    return None

# values that do not change: what their constructor makes them of
FIXED = {
    ("decimal", "Decimal"): lambda v: (v.__class__.__str__(v),),
    ("fractions", "Fraction"): lambda v: (v.numerator, v.denominator),
    ("datetime", "date"): lambda v: (v.year, v.month, v.day),
    ("datetime", "datetime"): lambda v: (v.year, v.month, v.day, v.hour, v.minute, v.second,
                                         v.microsecond, v.tzinfo),
    ("datetime", "time"): lambda v: (v.hour, v.minute, v.second, v.microsecond, v.tzinfo),
    ("datetime", "timedelta"): lambda v: (v.days, v.seconds, v.microseconds),
    ("datetime", "timezone"): lambda v: v.__getinitargs__(),
    ("zoneinfo", "ZoneInfo"): lambda v: (v.key,),
    ("uuid", "UUID"): lambda v: (v.hex,),
    ("pathlib", "PurePosixPath"): lambda v: (str(v),),
    ("pathlib", "PosixPath"): lambda v: (str(v),),
    ("ipaddress", "IPv4Address"): lambda v: (str(v),),
    ("ipaddress", "IPv6Address"): lambda v: (str(v),),
    ("ipaddress", "IPv4Network"): lambda v: (str(v),),
    ("time", "struct_time"): lambda v: (tuple(v),),
    ("re", "Pattern"): lambda v: (v.pattern, v.flags),
    ("collections", "ChainMap"): lambda v: tuple(v.maps),
    ("collections", "UserDict"): lambda v: (v.data,),
    ("collections", "UserList"): lambda v: (v.data,),
    ("collections", "UserString"): lambda v: (v.data,),
}
# further types of the library that a test may ask for by isinstance()
NAMED = {("re", "Match"), ("types", "SimpleNamespace"), ("itertools", "chain"), ("itertools", "count"),
         ("itertools", "cycle"), ("itertools", "islice")}
# types without a public name in builtins, by what types calls them
UNNAMED = {
    "FunctionType": type(lambda: 0), "BuiltinFunctionType": type(len),
    "GeneratorType": type((x for x in ())),
    "ModuleType": type(sys), "CodeType": type(channel.__code__), "NoneType": type(None),
}
SINGLE = {"Ellipsis": Ellipsis, "NotImplemented": NotImplemented}
views = {type({}.keys()): "keys", type({}.items()): "items", type({}.values()): "values"}

class Unnamed:
    async def waits(self):
        pass
    async def gives(self):
        yield

def add_unnamed():
    waits = Unnamed().waits
    one = waits()
    UNNAMED["MethodType"], UNNAMED["CoroutineType"] = type(waits), type(one)
    UNNAMED["AsyncGeneratorType"] = type(Unnamed().gives())
    one.close()

add_unnamed()

def shared_type(module, name):
    """A type of the language or the library by its name, loaded if need be."""
    if module == "types" and name in UNNAMED:
        return UNNAMED[name]
    allowed = (module == "builtins" or (module, name) in FIXED or (module, name) in NAMED
               or any((module, name) == each[:2] for each in CHANGING.values()))
    if not allowed or type(name) is not str or name.startswith("_"):
        raise ValueError("unknown type")
    found = getattr(__import__(module), name)
    if not isinstance(found, type):
        raise ValueError("no type")
    return found

@once
def shared_name(t):
    """The module and name under which shared_type finds a type; None for any other."""
    module, name = t.__module__, t.__name__
    if type(name) is str and getattr(builtins, name, None) is t:
        return ["builtins", name]
    for name, each in UNNAMED.items():
        if each is t:
            return ["types", name]
    for module, name, *_ in [*FIXED, *NAMED, *CHANGING.values()]:
        if known(module, name, t):
            return [module, name]
    return None

def small(v):
    return v if -(1 << 63) < v < (1 << 63) else {"i": hex(v)}

packers = {
    str: lambda v: v, bool: lambda v: v, float: lambda v: v, type(None): lambda v: v, int: small,
    list: lambda v: changing("l", v), dict: lambda v: changing("d", v),
    set: lambda v: changing("s", v), bytearray: lambda v: changing("a", v),
    tuple: lambda v: {"t": [pack(x) for x in v]},
    frozenset: lambda v: {"f": [pack(x) for x in v]},
    bytes: lambda v: {"b": v.hex()},
    memoryview: lambda v: {"m": [v.tobytes().hex(), v.format, list(v.shape or ())]},
    complex: lambda v: {"c": [v.real, v.imag]},
    range: lambda v: {"r": [pack(v.start), pack(v.stop), pack(v.step)]},
    slice: lambda v: {"k": [pack(v.start), pack(v.stop), pack(v.step)]},
    Argument: lambda v: {"#": v.place}, type(Ellipsis): lambda v: {"=": "Ellipsis"}, type(NotImplemented): lambda v: {"=": "NotImplemented"},
}
views[type(type.__dict__)] = "proxy"
for view, view_name in views.items():
    packers[view] = lambda v, name=view_name: {"w": [name, [pack(x) for x in (v.items() if name == "proxy" else v)]]}

def pack(v):
    t = type(v)
    how = packers.get(t)
    return how(v) if how is not None else pack_other(v, t)

def pack_other(v, t):
    if id(v) in mirror_tickets:
        return {"p": mirror_tickets[id(v)]}
    kind = kind_of(t)
    if kind:
        if kind == "N" and v.dtype.kind == "V":
            return pack_object(v, t)
        return changing(kind, v)
    name = shared_name(t)
    if name and tuple(name) in FIXED:
        return fixed(name, v)
    if t.__module__ == "numpy" and hasattr(t, "dtype") and known("numpy", t.__name__, t):
        return {"M": [v.dtype.str, v.tobytes().hex()]}
    return pack_object(v, t)

def fixed(name, v):
    return {"x": [name, [pack(x) for x in FIXED[tuple(name)](v)]]}

def changing(kind, v):
    global next_number
    number = numbers.get(id(v))
    if number in packing:
        raise Odd("a value that contains itself")
    if number is None:
        next_number += 2
        number = numbers[id(v)] = next_number
        table[number] = v
    elif number in sending:
        return {"@": number}
    sending.add(number)
    packing.add(number)
    snapshots[number] = CHANGING[kind][5](v)
    extra = CHANGING[kind][2]
    mark = {kind: [number, pack(extra(v)) if extra else None, CHANGING[kind][3](v)]}
    packing.discard(number)
    return mark

@once
def base_of(t):
    """The type of the language that a class is derived from, as a kind or a name; None for none."""
    for base in t.__mro__:
        kind = kind_of(base)
        if kind:
            return kind
        name = shared_name(base)
        if base in (int, float, str, bytes, tuple, frozenset, complex) or name and tuple(name) in FIXED:
            return tuple(name)
    return None

def base_value(v, base):
    """The mark of a derived object's own value, by the methods of the language's type."""
    if type(base) is str:
        return changing(base, v)
    plain = {
        "int": lambda: small(int.__add__(v, 0)), "float": lambda: float.__float__(v),
        "str": lambda: str.__str__(v) if type(v) is str else str.__getitem__(v, slice(None)),
        "complex": lambda: pack(complex.__add__(v, 0j)), "bytes": lambda: {"b": bytes.hex(v)},
        "tuple": lambda: {"t": [pack(x) for x in tuple.__iter__(v)]},
        "frozenset": lambda: {"f": [pack(x) for x in frozenset.__iter__(v)]},
    }.get(base[1])
    return plain() if plain else fixed(base, v)

def unpack(j):
    t = type(j)
    if t is not dict:
        if t is list:
            raise ValueError("a list without a mark")
        return j
    (k, x), = j.items()
    if k == "p":
        return held[x]
    if k in CHANGING:
        return changed(k, x)
    if k == "@":
        return table[x]
    if k == "t":
        return tuple([unpack(y) for y in x])
    if k == "f":
        return frozenset([unpack(y) for y in x])
    if k == "i":
        return int(x, 16)
    if k == "b":
        return bytes.fromhex(x)
    if k == "c":
        return complex(x[0], x[1])
    if k == "r":
        return range(*[unpack(y) for y in x])
    if k == "k":
        return slice(*[unpack(y) for y in x])
    if k == "=":
        return SINGLE[x]
    if k == "#":
        return Argument(x)
    if k == "m":
        view = memoryview(bytes.fromhex(x[0]))
        return view if x[1] == "B" and len(x[2]) == 1 else view.cast(x[1], x[2])
    if k == "w":
        items = [unpack(y) for y in x[1]]
        if x[0] in ("items", "proxy"):
            return dict(items).items() if x[0] == "items" else type(type.__dict__)(dict(items))
        return dict.fromkeys(items).keys() if x[0] == "keys" else dict(enumerate(items)).values()
    if k == "x":
        return fixed_value(x)
    if k == "T":
        return shared_type(*x)
    if k == "M":
        import numpy
        return numpy.frombuffer(bytes.fromhex(x[1]), dtype=numpy.dtype(x[0]))[0]
    return unpack_object(k, x)

def fixed_value(x, t=None):
    name, items = x
    if tuple(name) not in FIXED:
        raise ValueError("unknown type")
    items = [unpack(y) for y in items]
    if name == ["re", "Pattern"]:
        import re
        return re.compile(*items)
    base = shared_type(*name)
    return base(*items) if t is None else base.__new__(t, *items)

def changed(kind, x, t=None):
    """The value of a number with the content that it now has, the same object as before."""
    number, extra, content = x
    if type(number) is not int:
        raise ValueError("no number")
    extra = unpack(extra)
    v = table.get(number)
    if v is None:
        v = make(kind, extra, t)
        table[number] = v
        numbers[id(v)] = number
    elif not isinstance(v, shared_type(*CHANGING[kind][:2])):
        raise ValueError("another type")
    CHANGING[kind][4](v, [unpack(y) for y in content])
    snapshots[number] = CHANGING[kind][5](v)
    return v
`;
