/** Python: counts the judge's checks, and continues after the first failure. */

/**
 * `counting` rewrites a test's tree: each assert, and each call of one of the test's functions that
 * asserts, is put in a `try` that counts how it ended. A statement that may swallow an exception (a `try`
 * with handlers, a `with`) is one check as a whole, so that its meaning does not change.
 *
 * The program sees the first failure. Later checks are only counted, until there are MOST_CHECKS or the
 * time limit is near; without a failure nothing is cut short.
 */
export const CHECKS = String.raw`
import _ast
from time import monotonic

MOST_CHECKS = 1000
NEAR_END = 0.8
PARTS = ("body", "orelse", "finalbody", "handlers", "cases")
CLOSED = (_ast.FunctionDef, _ast.AsyncFunctionDef, _ast.ClassDef)
# no name that a program can write
HELD, FAILED, KEPT, TURNED = "check held", "check failed", "kept value", "values in turn"

class Count:
    """How the checks ended so far; a site is a place in the test that holds one."""
    sites, passed, total = 0, 0, 0
    reached = set()
    first = None
    told = None
    started = 0.0

def inner(node):
    for part in PARTS:
        found = getattr(node, part, None)
        if type(found) is list:
            yield from found

def asserts(node):
    return isinstance(node, _ast.Assert) or any(asserts(each) for each in inner(node))

def asserting(node, top=True):
    """The names of the functions that assert, check itself left out."""
    found = set()
    for each in inner(node):
        if isinstance(each, _ast.FunctionDef) and not (top and each.name == "check") and asserts(each):
            found.add(each.name)
        found |= asserting(each, False)
    return found

def counting(tree, form):
    """Rewrites the tree of a test."""
    names = asserting(tree)

    def is_check(node):
        if isinstance(node, _ast.Expr) and isinstance(node.value, _ast.Call):
            return isinstance(node.value.func, _ast.Name) and node.value.func.id in names
        return isinstance(node, _ast.Assert)

    def holds_check(node):
        if isinstance(node, CLOSED):
            return False
        return is_check(node) or any(holds_check(each) for each in inner(node))

    def counted(statements):
        return [rewritten(each) for each in statements]

    def rewritten(node):
        swallows = getattr(node, "handlers", None) or isinstance(node, (_ast.With, _ast.AsyncWith))
        if is_check(node) or (swallows and holds_check(node)):
            return wrapped(node)
        if not isinstance(node, CLOSED):
            for part in PARTS:
                found = getattr(node, part, None)
                if type(found) is list:
                    setattr(node, part, counted(found))
        return node

    if form == "check":
        for node in tree.body:
            if isinstance(node, _ast.FunctionDef) and node.name == "check":
                node.body = counted(node.body)
    else:
        tree.body = counted(tree.body)
    return tree

def wrapped(node):
    at = {name: getattr(node, name) for name in node._attributes}
    site = Count.sites
    Count.sites += 1

    def call(name):
        function = _ast.Name(id=name, ctx=_ast.Load(), **at)
        number = _ast.Constant(value=site, kind=None, **at)
        return _ast.Expr(value=_ast.Call(func=function, args=[number], keywords=[], **at), **at)

    handler = _ast.ExceptHandler(type=None, name=None, body=[call(FAILED)], **at)
    return _ast.Try(body=[node], handlers=[handler], orelse=[call(HELD)], finalbody=[], **at)

def names_in(node):
    """The names that an expression reads."""
    found = {node.id} if isinstance(node, _ast.Name) else set()
    for field in node._fields:
        value = getattr(node, field, None)
        for each in value if type(value) is list else [value]:
            if isinstance(each, _ast.AST):
                found |= names_in(each)
    return found

def calls_in(node, names):
    """The calls of functions with these names in an expression, those of a function in it left out."""
    if isinstance(node, _ast.Call) and isinstance(node.func, _ast.Name) and node.func.id in names:
        return [node]
    found = []
    for field in node._fields:
        value = getattr(node, field, None)
        for each in value if type(value) is list else [value]:
            if isinstance(each, _ast.AST):
                found += calls_in(each, names)
    return found

def passed_on(call):
    """The names whose values a call passes on as they are, or in a list or another display."""
    found, left = set(), [*call.args, *[k.value for k in call.keywords]]
    displays = (_ast.List, _ast.Tuple, _ast.Dict, _ast.Starred, _ast.Subscript, _ast.Attribute)
    while left:
        node = left.pop()
        if isinstance(node, _ast.Name):
            found.add(node.id)
        elif isinstance(node, displays):
            for field in ("elts", "values", "value"):
                value = getattr(node, field, None)
                left += [x for x in value if x] if type(value) is list else [value] if value else []
    return found

def in_order(tree, functions):
    """
    Rewrites f(xs) == g(xs) so that the expectation is made of xs as the program was given it: what the
    right side reads of an argument is computed first, of copies. A program that empties its argument
    would otherwise be right about an empty one.
    """
    def visit(node):
        for field in node._fields:
            value = getattr(node, field, None)
            if type(value) is list:
                setattr(node, field, [visit(x) if isinstance(x, _ast.AST) else x for x in value])
            elif isinstance(value, _ast.AST):
                setattr(node, field, visit(value))
        if isinstance(node, _ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], (_ast.Eq, _ast.NotEq)):
            left, right = node.left, node.comparators[0]
            shared = set().union(*[passed_on(c) for c in calls_in(left, functions)])
            if shared & names_in(right) and not calls_in(right, functions):
                node.left, node.comparators = called(KEPT, [right]), [left]
        if isinstance(node, _ast.Call) and len(node.args) > 1 and not calls_in(node, functions) == [node]:
            node.args = turned_arguments(node.args)
        return node

    def turned_arguments(args):
        """The same for g(f(xs), h(xs)): what is computed of xs beside the call comes first."""
        if any(isinstance(each, _ast.Starred) for each in args):
            return args
        shared, first = set(), set()
        for i, each in enumerate(args):
            calls = calls_in(each, functions)
            if calls:
                shared = shared.union(*[passed_on(c) for c in calls])
            elif shared & names_in(each) and computes(each):
                first.add(i)
        if not first:
            return args
        order = sorted(first) + [i for i in range(len(args)) if i not in first]
        values = [called(KEPT, [args[i]]) if i in first else args[i] for i in order]
        at = {name: getattr(args[0], name) for name in args[0]._attributes}
        places = [_ast.Constant(value=i, kind=None, **at) for i in order]
        order = _ast.Tuple(elts=places, ctx=_ast.Load(), **at)
        return [_ast.Starred(value=called(TURNED, [order, *values]), ctx=_ast.Load(), **at)]

    def called(name, args):
        at = {name: getattr(args[0], name) for name in args[0]._attributes}
        return _ast.Call(func=_ast.Name(id=name, ctx=_ast.Load(), **at), args=args, keywords=[], **at)

    return visit(tree)

def computes(node):
    """Whether an expression is more than a name, an attribute or an item of one."""
    while isinstance(node, (_ast.Attribute, _ast.Subscript)):
        node = node.value
    return not isinstance(node, _ast.Name)

def turned(order, *values):
    """Values that were computed in another order, in the order of their places."""
    return [value for _, value in sorted(zip(order, values), key=lambda pair: pair[0])]

def kept(value):
    """A copy of an expectation, which a call may not change any more."""
    if type(value) in (int, str, float, bool, bytes, type(None)):
        return value
    try:
        import copy
        return copy.deepcopy(value)
    except Exception:
        return value

def is_enough():
    """Whether the checks that are left are not worth their time, since one has failed already."""
    late = monotonic() - Count.started > NEAR_END * task["timeout_s"]
    return Count.first is not None and (late or Count.total >= MOST_CHECKS)

def held_check(site):
    global odd
    odd = None
    Count.reached.add(site)
    if Count.total < MOST_CHECKS:
        Count.passed += 1
        Count.total += 1
    if is_enough():
        end(*Count.first)

def failed(site):
    error = sys.exc_info()[1]
    Count.reached.add(site)
    Count.total += 1
    if Count.first is None:
        kind, detail = Count.first = meaning(error)
        first = {"class": kind, "detail": detail[-8000:], "secret": task["secret"]}
        write_all(goes, b"f" + dumps(first).encode() + b"\n")
    # what the judge itself lacks memory for, it cannot count on
    if is_enough() or isinstance(error, MemoryError) and not isinstance(error, Remote):
        end(*Count.first)

def count_now(passed):
    """Checks that held, and all; of a program that fails, those it did not come to are failed."""
    total = Count.total
    if not passed and Count.sites:
        total = max(total + Count.sites - len(Count.reached), Count.passed + 1)
    return [Count.passed, total] if total else None

def progress():
    """A line with the count, where it has changed: what is known of a program that never ends."""
    if not Count.sites or Count.told == (Count.total, len(Count.reached)):
        return b""
    Count.told = Count.total, len(Count.reached)
    return b"p%d %d\n" % tuple(count_now(False))
`;
