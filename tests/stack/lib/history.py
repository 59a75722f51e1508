"""Is a recorded history of a set of keys linearizable?

Operations, each with the time of its call and of its return (math.inf: it never returned, so it may have happened at any time after
its call, or not at all):

    create K            K is in the set from here on           destroy K ok / gone    K was in the set, and leaves it / was not in it
    use K ok / gone     K was in the set / was not             list S                 the set was exactly S

Linearizable (Herlihy and Wing, 1990): there is one order of all operations that keeps real time (who had returned before another was
called comes first) and in which every answer is right. The search is the one of Wing and Gong with the memory of Lowe: at each return
all sets of open operations that may have taken effect are kept, so the work grows with how many are open at once, not with the history's
length.
"""
import collections
import math

Operation = collections.namedtuple("Operation", "client kind key answer called returned")


def effect(state, operation):
    """The state after it, or None where its answer would be wrong. An operation without an answer may have any."""
    kind, key, answer = operation.kind, operation.key, operation.answer
    if kind == "create":
        return state | {key} if key not in state else None
    if kind == "list":
        return state if answer is None or state == frozenset(answer) else None
    present = key in state
    if answer is not None and (answer == "ok") != present:
        return None
    return state - {key} if kind == "destroy" and present else state


def closure(configurations, opened, wanted):
    """All that can be reached by letting open operations take effect; kept are those in which `wanted` has."""
    seen, todo, kept = set(configurations), list(configurations), set()
    while todo:
        state, done = todo.pop()
        if wanted in done:
            kept.add((state, done - {wanted}))
            continue
        for number, operation in opened.items():
            if number in done:
                continue
            after = effect(state, operation)
            if after is None:
                continue
            following = (after, done | {number})
            if following not in seen:
                seen.add(following)
                todo.append(following)
    return kept


def check(operations):
    """None if linearizable, else the operation at whose return no order was left, and the states that were possible before."""
    events = []
    for number, operation in enumerate(operations):
        events.append((operation.called, 1, number))
        if operation.returned != math.inf:
            events.append((operation.returned, 2, number))
    events.sort()
    configurations, opened = {(frozenset(), frozenset())}, {}
    for _, what, number in events:
        if what == 1:
            opened[number] = operations[number]
            continue
        left = closure(configurations, opened, number)
        if not left:
            return operations[number], [state for state, _ in configurations]
        configurations = left
        del opened[number]
    return None
