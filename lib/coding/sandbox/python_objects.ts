/**
 * Python: objects that stay in their process, and the operations on them that are sent across; used by
 * both sides.
 */

/**
 * An object that is not a plain value is represented by a ticket. The other side makes a mirror of it: an
 * object of a class with the same name, the same special methods and mirrors of the same bases, which
 * forwards its operations to the object itself. A subclass of a built-in type keeps that type's own value
 * and comparisons on this side; they are never forwarded.
 */
export const OBJECTS = String.raw`
from _weakref import ref
from _thread import RLock

held, tickets = {}, {}                       # this side's objects by ticket, tickets by id()
mirrors, mirror_tickets, alive = {}, {}, {}  # mirrors of the other's by ticket, tickets by id()
dropped = set()
next_ticket = 0
lock = RLock()
quiet = False

BINARY = [n for base in "add sub mul truediv floordiv mod divmod pow matmul lshift rshift and or xor".split()
          for n in ("__%s__" % base, "__r%s__" % base, "__i%s__" % base)]
ORDER = ["__lt__", "__le__", "__gt__", "__ge__"]
COMPARED = {"__eq__", "__ne__", "__hash__", "__bool__", "__len__", "__contains__", "__iter__", "__getitem__",
            "__reversed__", "__int__", "__float__", "__complex__", "__index__", "__neg__", "__pos__", "__abs__",
            "__invert__", "__round__", "__trunc__", "__floor__", "__ceil__", "__setitem__", "__delitem__",
            *BINARY, *ORDER}
DECIDED = {"__eq__", "__ne__", *ORDER, *BINARY}
WAITED = {"__anext__", "__aenter__", "__aexit__"}
DUNDERS = COMPARED | WAITED | {"__call__", "__next__", "__enter__", "__exit__", "__str__", "__repr__",
                               "__format__", "__await__", "__aiter__", "__missing__", "__fspath__",
                               "__bytes__", "__length_hint__"}
DUNDERS -= {"__eq__", "__ne__", "__hash__", "__length_hint__"}
READABLE = {"__name__", "__doc__", "__qualname__", "__dict__", "__annotations__", "__defaults__",
            "__kwdefaults__", "__code__", "__members__", "__wrapped__", "__self__", "__func__",
            "__dataclass_fields__", "__match_args__", "__slots__", "__cause__", "__notes__"}
ITERATES = ("__next__", "send", "throw", "__anext__", "asend", "athrow")

def ticket_of(v):
    global next_ticket
    ticket = tickets.get(id(v))
    if ticket is None:
        next_ticket += 1
        ticket = tickets[id(v)] = next_ticket
        held[ticket] = v
    return ticket

def drop(ticket):
    v = held.pop(ticket, None)
    if v is not None:
        del tickets[id(v)]

def pack_object(v, t):
    if issubclass(t, type):
        name = shared_name(v)
        if name:
            return {"T": name}
        if issubclass(v, BaseException) and v.__module__ not in ("program", "test"):
            return {"L": [str(v.__module__), str(v.__qualname__), ticket_of(v)]}
        return {"C": ticket_of(v)}
    if issubclass(t, BaseException):
        return pack_error(v, t)
    if t.__name__ == "traceback" and t.__module__ == "builtins":
        return None
    may_cross(v, t)
    base = base_of(t)
    if base:
        return {"v": [base_value(v, base), ticket_of(v), pack(t)]}
    name = getattr(v, "__qualname__", "") if callable(v) else ""
    return {"o": [ticket_of(v), pack(t), name if type(name) is str else ""]}

def pack_error(v, t):
    if id(v) in mirror_tickets:
        return {"p": mirror_tickets[id(v)]}
    args = BaseException.args.__get__(v)
    try:
        args = [pack(x) for x in args]
    except (Odd, ValueError, RecursionError):
        args = [pack(str(x)) for x in args]
    cause = BaseException.__cause__.__get__(v)
    cause = pack_error(cause, type(cause)) if cause is not None and cause is not v else None
    mark = pack(t)
    state = {}
    if "C" not in mark and "p" not in mark:
        for k, x in BaseException.__reduce__(v)[2:] and BaseException.__reduce__(v)[2].items() or ():
            try:
                state[k] = pack(x)
            except (Odd, ValueError, RecursionError):
                pass
    return {"E": [mark, args, ticket_of(v) if shared_name(t) is None else 0, cause, state]}

def describe(t):
    """What a mirror of a class needs to know."""
    dunders, names, data = set(), set(), base_of(t) or issubclass(t, BaseException)
    for c in t.__mro__:
        if c is object or data and shared_name(c):
            continue
        dunders |= {n for n in c.__dict__ if n in DUNDERS or n in ("__eq__", "__hash__")}
        if data:
            names |= {n for n in c.__dict__ if type(n) is str and not n.startswith("__")}
    if not data:
        names = set()
    bases = [pack(b) for b in t.__bases__ if b is not object and (shared_name(b) is None or data)]
    doc = t.__dict__.get("__doc__")
    return {"name": str(t.__name__), "bases": bases, "dunders": sorted(dunders), "names": sorted(names),
            "abstract": [c.__name__ for c in t.__mro__ if c.__module__ == "collections.abc"],
            "from": [str(t.__module__), str(t.__qualname__)],
            "doc": doc if type(doc) is str else None, "hashes": t.__hash__ is not None,
            "compares": "__eq__" in dunders, "plain": "__hash__" not in dunders}

def operation(name):
    if name in WAITED:
        async def method(self, *args):
            return operate(self, name, args)
    else:
        def method(self, *args, **kwargs):
            return operate(self, name, args, kwargs)
    method.__name__ = name
    return method

def operate(self, name, args, kwargs={}):
    if name in DECIDED and args:
        decided = comparison(self, name, args[0])
        if decided is not None:
            return decided[0]
    if name == "__contains__":
        found = contains(self, args[0])
        if found is not None:
            return found
    def message():
        asked = {"q": "op", "n": name, "o": pack(self), "a": [pack(x) for x in args]}
        if name == "__call__":
            asked["f"] = label_of(self)
        if kwargs:
            asked["k"] = [[k, pack(x)] for k, x in kwargs.items()]
        return asked
    return ask(message, name in ITERATES or name == "__call__" and label_of(self).endswith(ITERATES))

labels = {}

def label_of(self):
    return labels.get(mirror_tickets.get(id(self)), type(self).__name__)

class MirrorType(type):
    """The class of mirrors of classes."""
    def __call__(cls, *args, **kwargs):
        if id(cls) not in mirror_tickets:
            raise Odd("the test makes a new class out of one of the program's")
        return operate(cls, "__call__", args, kwargs)

    def __getattr__(cls, name):
        return attribute(cls, name)

    def __setattr__(cls, name, value):
        ask(lambda: {"q": "set", "o": pack(cls), "n": name, "a": [pack(value)]})

    def __iter__(cls):
        return operate(cls, "__iter__", ())

    def __len__(cls):
        return operate(cls, "__len__", ())

    def __getitem__(cls, key):
        return operate(cls, "__getitem__", (key,))

    def __contains__(cls, key):
        return operate(cls, "__contains__", (key,))

    def __bool__(cls):
        return True

    @property
    def __annotations__(cls):
        return attribute(cls, "__annotations__")

    @property
    def __dict__(cls):
        try:
            return attribute(cls, "__dict__")
        except AttributeError: # the test's classes do not tell the program
            return type.__dict__["__dict__"].__get__(cls)

def attribute(self, name):
    if id(self) not in mirror_tickets or name.startswith("__") and name not in READABLE:
        raise AttributeError("%r object has no attribute %r" % (type(self).__name__, name))
    if name == "__dataclass_fields__":
        return dataclass_fields(self)
    if name in PREDICATES and predicate(self, name):
        raise AttributeError("%r object has no attribute %r" % (type(self).__name__, name))
    return ask(lambda: {"q": "get", "o": pack(self), "n": name})

def dataclass_fields(self):
    """As dataclasses itself makes them: it tells a field by objects of its own."""
    import dataclasses
    found = {}
    for name in ask(lambda: {"q": "fields", "o": pack(self)}):
        found[name] = dataclasses.field()
        found[name].name, found[name]._field_type = name, dataclasses._FIELD
    return found

class Mirror:
    def __getattr__(self, name):
        return attribute(self, name)

    def __setattr__(self, name, value):
        ask(lambda: {"q": "set", "o": pack(self), "n": name, "a": [pack(value)]})

    def __delattr__(self, name):
        ask(lambda: {"q": "del", "o": pack(self), "n": name})

    @property
    def __dict__(self):
        return attribute(self, "__dict__")

    def __dir__(self):
        return ask(lambda: {"q": "dir", "o": pack(self)})

    def __copy__(self):
        return ask(lambda: {"q": "copy", "o": pack(self), "n": "copy"})

    def __deepcopy__(self, memo):
        return ask(lambda: {"q": "copy", "o": pack(self), "n": "deepcopy"})

    def __eq__(self, other):
        return True if self is other else operate(self, "__eq__", (other,))

    def __ne__(self, other):
        return False if self is other else operate(self, "__ne__", (other,))

    __hash__ = object.__hash__

    def __repr__(self):
        if quiet:
            return "<%s object>" % type(self).__name__
        return operate(self, "__repr__", ())

    def __str__(self):
        return self.__repr__() if quiet else operate(self, "__str__", ())

    def __del__(self):
        ticket = mirror_tickets.pop(id(self), None)
        if ticket is not None:
            alive[ticket] -= 1
            if not alive[ticket]:
                mirrors.pop(ticket, None)
                labels.pop(ticket, None)
                dropped.add(ticket)

PREDICATES = set("startswith endswith isdigit isalpha isalnum isupper islower isspace isnumeric isdecimal "
                 "isidentifier istitle isprintable isascii issubset issuperset isdisjoint is_integer equals".split())
classes = {}

def mirror_class(mark):
    (k, x), = mark.items()
    key = tuple(x) if k == "T" else x
    if key in classes:
        return classes[key]
    shared = shared_type(*x) if k == "T" else None
    told = describe(shared) if k == "T" else ask(lambda: {"q": "class", "o": {"p": x}})
    bases = []
    for b in told["bases"]:
        bases.append(unpack(b))
    bases = [b for b in bases if issubclass(b, (Mirror, BaseException, *DATA)) or kind_of_value_type(b)]
    data = any(issubclass(b, (BaseException, *DATA)) or kind_of_value_type(b) for b in bases)
    space = {"__module__": "program", "__doc__": told["doc"]}
    for name in told["dunders"]:
        if name in DUNDERS and not (data and name in COMPARED):
            space[name] = operation(name)
    if data:
        for b in bases:
            for name in told["names"]:
                own = hasattr(b, name) and not issubclass(b, Mirror)
                if own and name not in PREDICATES and not name.startswith("__"):
                    space[name] = property(lambda self, name=name: attribute(self, name))
    elif not told["hashes"]:
        space["__hash__"] = None
    elif not told["plain"]:
        space["__hash__"] = operation("__hash__")
    if shared is not None:
        space["__class__"] = property(lambda self: looked_at(shared))
        space["__doc__"] = property(lambda self: attribute(self, "__doc__"))
        if "__await__" in space:
            space.update(COROUTINE)
    library = library_class(*told["from"]) if shared is None else None
    if library is not None:
        space["__class__"] = property(lambda self: looked_at(library))
    if not any(issubclass(b, Mirror) for b in bases):
        bases.append(Mirror)
    made = type.__call__(MirrorType, told["name"], tuple(bases), space)
    compares[made] = told["compares"]
    for name in told["abstract"]:
        import collections.abc
        getattr(collections.abc, name).register(made)
    if k == "C":
        mirror_tickets[id(made)] = x
        mirrors[x] = lambda: made
        labels[x] = told["name"]
    classes[key] = made
    return made

compares = {}
DATA = (int, float, str, bytes, tuple, frozenset, complex)

def kind_of_value_type(b):
    name = shared_name(b)
    return kind_of(b) or name and tuple(name) in FIXED

def waited(self):
    return ask(lambda: {"q": "await", "o": pack(self)})

def finish(self, *_):
    raise StopIteration(waited(self))

def awaits(self):
    return waited(self)
    yield

COROUTINE = {"send": finish, "throw": lambda self, *e: finish(self), "close": lambda self: None,
             "__await__": awaits}

def keep(mirror, ticket, label=""):
    if type(ticket) is not int:
        raise ValueError("no ticket")
    dropped.discard(ticket)
    alive[ticket] = alive.get(ticket, 0) + 1
    mirror_tickets[id(mirror)] = ticket
    try:
        mirrors[ticket] = ref(mirror)
    except TypeError: # what is derived from int or tuple takes no weak reference
        pass
    if label:
        labels[ticket] = label[:100]
    return mirror

def unpack_object(k, x):
    if k == "C":
        return mirror_class({"C": x})
    if k == "L":
        return library_error({"L": x}) or mirror_class({"C": x[2]})
    if k == "E":
        return unpack_error(x)
    if k not in "ov":
        raise ValueError("unknown mark")
    ticket = x[0] if k == "o" else x[1]
    there = mirrors.get(ticket)
    there = there and there()
    if there is not None and k == "o":
        dropped.discard(ticket)
        return there
    if k == "o":
        return keep(object.__new__(mirror_class(x[1])), ticket, x[2])
    t = mirror_class(x[2])
    base = x[0]
    if type(base) is dict and next(iter(base)) in CHANGING:
        kind, content = next(iter(base.items()))
        new = content[0] not in table
        v = changed(kind, content, t)
        return keep(v, ticket) if new else v
    if type(base) is dict and "x" in base:
        return keep(fixed_value(base["x"], t), ticket)
    value = unpack(base)
    return keep(type(value).__new__(t, value), ticket)

def library_class(module, name):
    """A class of a library that this side has loaded too; None for any other."""
    found = getattr(sys.modules.get(module), name, None) if module not in ("program", "test") else None
    return found if isinstance(found, type) and shared_name(found) is None else None

def library_error(mark):
    found = library_class(*mark.get("L", ("program", "", 0))[:2])
    return found if found is not None and issubclass(found, BaseException) else None

def unpack_error(x):
    error = error_of(x)
    if x[3] is not None:
        BaseException.__setattr__(error, "__cause__", raised(x[3]))
    return error

def raised(mark):
    error = unpack(mark)
    if not isinstance(error, BaseException):
        raise ValueError("no exception")
    return error

def error_of(x):
    mark, args, ticket, _, state = x
    args = [unpack(y) for y in args]
    if "T" in mark or library_error(mark):
        t = unpack(mark)
        if not issubclass(t, BaseException):
            raise ValueError("no exception")
        try:
            error = t(*args)
        except Exception:
            error = t.__new__(t, *args)
        for k, y in state.items():
            if not k.startswith("__") or k == "__notes__":
                BaseException.__setattr__(error, k, unpack(y))
        return error
    t = unpack(mark)
    there = mirrors.get(ticket)
    there = there and there()
    return there if there is not None else keep(t.__new__(t, *args), ticket)
`;
