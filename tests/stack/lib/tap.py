"""TAP for the whole-stack tests: claim("text", truth), a figure as a remark, an exit status at the end."""
import sys

_count, _failed = 0, 0


def claim(text, truth, detail=None):
    global _count, _failed
    _count += 1
    if not truth:
        _failed += 1
    print("%s %d - %s" % ("ok" if truth else "not ok", _count, text))
    if not truth and detail is not None:
        remark(detail)
    sys.stdout.flush()
    return truth


def skip(text, why):
    global _count
    _count += 1
    print("ok %d - %s # SKIP %s" % (_count, text, why))


def remark(text):
    print("# " + str(text).replace("\n", "\n# "))
    sys.stdout.flush()


def finish():
    sys.exit(1 if _failed or not _count else 0)


def spread(values, unit="ms", scale=1000):
    """p50, p90, p99 and the longest of some seconds."""
    values = sorted(values)
    if not values:
        return "none"
    at = [values[min(len(values) - 1, int(len(values) * share))] for share in (0.5, 0.9, 0.99)]
    return "p50 %.0f p90 %.0f p99 %.0f longest %.0f %s (%d)" % (*(v * scale for v in at), values[-1] * scale, unit, len(values))
