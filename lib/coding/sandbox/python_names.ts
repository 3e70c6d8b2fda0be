/** Python: where the names in a test come from: the test itself, the prompt, or the program. */

/** A name that neither the test nor the problem mentions is never taken from the program. */
export const NAMES = String.raw`
def names_read(code):
    """Every name that a compiled text reads, its functions' too."""
    found = set(code.co_names)
    for inner in code.co_consts:
        if type(inner) is type(code):
            found |= names_read(inner)
    return found

def names_bound(tree):
    """The names that a test itself gives a value, anywhere."""
    found, left = set(), [tree]
    while left:
        node = left.pop()
        for each in ("name", "id", "asname", "arg"):
            name = getattr(node, each, None)
            if type(name) is str and not (each == "id" and type(node.ctx).__name__ == "Load"):
                found.add(name.split(".")[0])
        for field in node._fields:
            value = getattr(node, field, None)
            left += [x for x in value if hasattr(x, "_fields")] if type(value) is list else \
                [value] if hasattr(value, "_fields") else []
    return found

def prompt_names(prompt):
    """What the task's text defines; a text that ends in an open function is closed first."""
    for text in (prompt, prompt + "\n    pass\n"):
        try:
            code = compile(text, "<prompt>", "exec")
        except SyntaxError:
            continue
        found = {"__name__": "prompt"}
        exec(code, found)
        return found
    return {}

def says(text, name):
    """Whether a text has a name as a word of its own."""
    letters = "".join(c if c.isalnum() or c == "_" else " " for c in text)
    return name in letters.split()

def given_names(names, tree, code):
    """The namespace of a test: what the prompt defines, and of the program what the test may read."""
    entry, prompt = task["entry_point"], task["prompt"]
    wanted = names_read(code) - names_bound(tree) - {entry} - set(builtins.__dict__)
    space = prompt_names(prompt) if prompt and wanted else {}
    known = task["helpers"]
    for name in sorted(wanted - set(space)):
        asked = says(prompt, name) if prompt else known is None or name in known
        if asked and name in names:
            space[name] = value_of(name)
        elif not asked:
            unasked.add(name)
    return space

def value_of(name):
    return ask(lambda: {"q": "name", "n": name})

def is_class_problem(names, entry, prompt, test):
    """
    Whether a problem is about a class: its text says so, or its test makes objects of the program's
    classes; whatever the program is.
    """
    words = prompt.split()
    if any(a == "class" and b.split("(")[0].rstrip(":") == entry for a, b in zip(words, words[1:])):
        return True
    made = not prompt and entry[:1].isupper() and "= %s(" % entry in test
    return made or any(n[:1].isupper() and not n.isupper() for n in names)
`;
