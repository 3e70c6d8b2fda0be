/** Python: state that a test sets in its own process, and that a program in the same process would see. */

/**
 * A request carries what has changed since the test began: the recursion limit, the environment,
 * decimal's context, functions that unittest.mock has replaced, and files below /tmp. Files that the
 * program writes are sent back. Each kind is tracked only when the test's text mentions it.
 */
export const STATE = String.raw`
FILE_WORDS = ("open(", "tempfile", "pathlib", "makedirs", "mkdir", "shutil", "write_text")
MOST_FILES = 2000
LARGEST_FILE = 1 << 20
files = {}

def tree(top="/tmp"):
    """The files below a folder with their times and sizes; folders have None."""
    found, left, device = {}, [top], os.stat(top).st_dev
    while left and len(found) < MOST_FILES:
        try:
            entries = list(os.scandir(left.pop()))
        except OSError:
            continue
        for each in entries:
            if each.stat(follow_symlinks=False).st_dev != device:
                continue # what the sandbox shows, such as packages
            if each.is_dir(follow_symlinks=False):
                found[each.path] = None
                left.append(each.path)
            elif each.is_file(follow_symlinks=False):
                stat = each.stat(follow_symlinks=False)
                found[each.path] = stat.st_mtime_ns, stat.st_size
    return found

def changed_files():
    """Files that are new or other than before, by their content; those that are gone by None."""
    global files
    now, told = tree(), {}
    for path, stat in now.items():
        if path in files and files[path] == stat or stat and stat[1] > LARGEST_FILE:
            continue
        told[path] = "/" if stat is None else content_of(path)
    told.update({path: None for path in files if path not in now})
    files = now
    return told

def content_of(path):
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        data = b""
        while True:
            more = os.read(fd, 1 << 16)
            if not more:
                return data.hex()
            data += more
    finally:
        os.close(fd)

def take_files(told):
    global files
    for path in sorted(told):
        if not path.startswith("/tmp/") or ".." in path.split("/"):
            raise ValueError("a file that is not below /tmp")
        content = told[path]
        try:
            if content is None:
                os.rmdir(path) if files.get(path, 0) is None else os.unlink(path)
            elif content == "/":
                os.mkdir(path, 0o777)
            else:
                fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o666)
                write_all(fd, bytes.fromhex(content))
                os.close(fd)
        except OSError:
            pass
    files = tree()

def decimal_context():
    decimal = sys.modules.get("decimal")
    if decimal is None:
        return None
    context = decimal.getcontext()
    return None if (context.prec, context.rounding) == (28, "ROUND_HALF_EVEN") else [context.prec, context.rounding]

first_limit = sys.getrecursionlimit()
first_environment = {}
active_patches = []
follows = {}

def follow(test, confined):
    """Begins to follow what a test's text speaks of."""
    follows["environment"] = "environ" in test
    follows["files"] = confined and any(word in test for word in FILE_WORDS)
    if follows["environment"]:
        first_environment.update(__import__("os").environ)
    if "patch" in test and "mock" in test:
        follow_patches()

def follow_patches():
    patch = __import__("unittest.mock").mock._patch
    enter, leave = patch.__enter__, patch.__exit__
    def entered(self):
        result = enter(self)
        if type(self.target) is type(sys) and self.attribute not in ("input", "print"):
            active_patches.append((self.target, self.attribute))
        return result
    def left(self, *how):
        if (self.target, self.attribute) in active_patches:
            active_patches.remove((self.target, self.attribute))
        return leave(self, *how)
    patch.__enter__, patch.__exit__ = entered, left

def told_state():
    """What the program's process is to be like; None where nothing is to be told."""
    told = {}
    if sys.getrecursionlimit() != first_limit:
        told["limit"] = sys.getrecursionlimit()
    if follows["environment"]:
        now = dict(__import__("os").environ)
        told["env"] = [{k: v for k, v in now.items() if first_environment.get(k) != v},
                       [k for k in first_environment if k not in now]]
    context = decimal_context()
    if context:
        told["decimal"] = context
    if active_patches:
        told["patches"] = [[m.__name__, n, pack(getattr(m, n))] for m, n in active_patches]
    if follows["files"]:
        told["files"] = changed_files()
    return told or None

def take_state(told):
    """Makes this process so; what has to be undone after the call."""
    undo = []
    if "limit" in told:
        sys.setrecursionlimit(told["limit"])
    if "env" in told:
        environ = __import__("os").environ
        environ.update(told["env"][0])
        for name in told["env"][1]:
            environ.pop(name, None)
    if "decimal" in told:
        context = __import__("decimal").getcontext()
        context.prec, context.rounding = told["decimal"]
    for module, name, mark in told.get("patches", ()):
        __import__(module)
        at = sys.modules[module]
        undo.append((at, name, getattr(at, name)))
        setattr(at, name, unpack(mark))
    if "files" in told:
        take_files(told["files"])
    return undo
`;
