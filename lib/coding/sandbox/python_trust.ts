/**
 * Python: what the judge believes about the program's objects, and what the program may do with the
 * judge's.
 */

/**
 * An object of the program answers for itself what its attributes, items and text are; the checks then
 * compare that answer. It is not asked whether it equals a value of the test, because it could learn the
 * value that way, or simply agree. When the problem itself is about a class, its operators are what is
 * tested, so they are called, with decoys among the values.
 */
export const TRUST = String.raw`
# what the checks ask of an object of the program's, and cannot believe
odd = None
# whether the problem itself is about classes of the program's: their operators are then what is tested
of_classes = False

SHUT = {type(sys), type(sys._getframe()), type(describe.__code__), type(type.__dict__), type(lambda: 0),
          type((x for x in ())), type(len), type([].append)}
OPENING = {type(sys), type(sys._getframe()), type(describe.__code__)}

def may_cross(v, t):
    if t in OPENING:
        raise Odd("the test passes an object of type %s to the program" % t.__name__)

def may_perform(q, v, name):
    """What a program may ask of an object of the test's: nothing that leads out of it."""
    if q in ("await", "copy", "class", "dir", "fields"):
        return
    if type(name) is not str:
        raise TypeError("no name")
    if q == "op":
        return
    if name in ("__name__", "__doc__", "__qualname__") and q == "get":
        return
    if name.startswith("_") or type(v) in SHUT or issubclass(type(v), (BaseException, Mirror)):
        raise AttributeError("%r object has no attribute %r" % (type(v).__name__, name))

def asked_of(mark):
    """The object of a request: one that the program was given, and no other."""
    if type(mark) is not dict or list(mark) != ["p"]:
        raise ValueError("not the program's to ask")
    return held[mark["p"]]

def given(v):
    may_cross(v, type(v))
    return v

def called(f, args, kwargs):
    if f in (eval, exec, compile, open, __import__, getattr, setattr, vars, globals, locals):
        raise Odd("the test passes %s to the program" % f.__name__)
    return f(*args, **kwargs)

def named(name):
    raise ValueError("the test has no names for the program")

def decoys(value):
    """Values that are not the one an object says that it equals."""
    if type(value) in (int, float, bool, complex):
        return [value + 1, value - 1, value * 2 + 7, str(value), None]
    if type(value) in (str, bytes):
        return [value + value[:1] + type(value)(b"x" if type(value) is bytes else "x"), value[1:] + value[:1] * 2, 7, None]
    if type(value) is list:
        return [value + [None], [value], 7, None]
    if type(value) is tuple:
        return [value + (None,), (value,), 7, None]
    return [[value], 7, "x", None]

def comparison(self, name, other):
    """
    What stands for the result of an operator on an object of the program's, where its own word cannot
    be taken; None where it is asked. A value of the test's must not reach an object that then says
    whether it is the right one.
    """
    global odd
    equal = name in ("__eq__", "__ne__")
    kind = type(self)
    if equal and not compares.get(kind, True):
        if not isinstance(other, Mirror) and other is not None and not of_classes:
            note_odd(self)
        return (name == "__ne__") == (self is not other),
    if isinstance(other, Mirror) and type(other) in compares and not isinstance(other, DATA):
        return None
    if of_classes:
        return (believed(self, name, other),) if equal else None
    if equal:
        if other is not None:
            note_odd(self)
        return name == "__ne__",
    note_odd(self)
    raise TypeError(odd)

def note_odd(self):
    global odd
    odd = "the program gave an object of type %s, which is not a built-in value" % type(self).__name__

def believed(self, name, other):
    """Whether an object equals a value, by its own word, unless it equals others as well."""
    def asked(value):
        message = lambda: {"q": "op", "n": "__eq__", "o": pack(self), "a": [pack(value)]}
        return ask(message) is True
    def also(value):
        try:
            return asked(value)
        except Exception: # it compares with values of that kind alone
            return False
    equal = asked(other)
    if equal and any(also(value) for value in decoys(other)):
        note_odd(self)
        raise TypeError(odd + ", and it equals anything")
    return equal == (name == "__eq__")

def contains(self, other):
    if of_classes or isinstance(other, Mirror):
        return None
    if not hasattr(type(self), "__iter__"):
        note_odd(self)
        raise TypeError(odd)
    return any(each is other or each == other for each in self)

def predicate(self, name):
    if not of_classes:
        note_odd(self)
    return not of_classes
`;
