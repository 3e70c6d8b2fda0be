/** Python: which mutable values both sides still know, and what has changed in them. */

/**
 * Each message contains what has changed since the last one. At the end of a call the candidate's side
 * lists the values that its program still has; both sides forget the others.
 */
export const IDENTITY = String.raw`
def kind_of_value(v):
    kind = kind_of(type(v))
    if kind is None:
        kind = base_of(type(v))
    return kind

def changes():
    """Marks of all that has changed since it crossed last."""
    found = []
    for number in list(snapshots):
        v = table[number]
        kind = kind_of_value(v)
        now, before = CHANGING[kind][5](v), snapshots[number]
        if len(now) != len(before) or not all(map(is_, now, before)):
            if not (kind in "Nay" and now == before):
                found.append(v)
    return [changing(kind_of_value(v), v) if numbers[id(v)] not in sending else {"@": numbers[id(v)]}
            for v in found]

def forget(kept):
    """Lets go of every changing value but those with these numbers."""
    if not snapshots:
        return
    for number in [each for each in snapshots if each not in kept]:
        v = table.pop(number)
        del numbers[id(v)], snapshots[number]

def counts_of(values):
    """How many references there are to each of a dict's values, by its keys."""
    found = {}
    for key in values:
        v = values[key]
        found[key] = sys.getrefcount(v)
    return found

# of one that nothing but the dict holds; Python 3.14 counts a local variable no more
ALONE = counts_of({0: []})[0]

def held_elsewhere():
    """The numbers of those that the program still has, by their counts of references."""
    inner = {}
    for before in snapshots.values():
        for each in before:
            number = numbers.get(id(each))
            if number is not None:
                inner[number] = inner.get(number, 0) + 1
    each = before = None
    # a container holds what is in it, and so does its snapshot
    found = [number for number, count in counts_of(table).items() if count - ALONE > 2 * inner.get(number, 0)]
    return found[-MOST_KEPT:]
`;
