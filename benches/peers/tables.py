"""The report: Markdown tables of medians over the rounds, and of ratios to ours."""

from statistics import median


def of(samples, field, **wanted):
    """The median of a field over all samples that are as wanted."""
    return median(s[field] for s in samples if all(s[k] == v for k, v in wanted.items()))


def table(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def duration(seconds):
    for limit, factor, unit in ((1e-3, 1e6, "µs"), (1, 1e3, "ms")):
        if seconds < limit:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.2f} s"


def plural(n, noun="thread"):
    return f"{n} {noun}" + "s" * (n != 1)


def timed(samples, program, threads, **wanted):
    """The median time, and how many times ours in the same precision it is."""
    own = of(samples, "seconds", program=program.key, threads=threads, **wanted)
    base = of(samples, "seconds", program=program.ours, threads=threads, **wanted)
    return duration(own) if program.key == program.ours else f"{duration(own)} ({own / base:.2f} ×)"


def recipe(samples, programs, threads):
    head = ["program", *map(plural, threads), "test accuracy", "peak memory"]
    rows = []
    for p in programs:
        accuracy = of(samples, "test_accuracy", program=p.key)
        memory = max(of(samples, "peak_mb", program=p.key, threads=n) for n in threads)
        times = [timed(samples, p, n) for n in threads]
        rows.append([p.title, *times, f"{accuracy:.2%}", f"{memory:.0f} MB"])
    return table(head, rows)


def work(samples, programs, peaks):
    """Time per iteration; ours at the best instruction set as a share of the peak, counting zeros as work."""
    cells = list(dict.fromkeys((s["data"], s["hidden"], s["batch"], s["threads"]) for s in samples))
    peers = [p for p in programs if not p.is_ours]
    rows = []
    for data, hidden, batch, threads in cells:
        case = {"data": data, "hidden": hidden, "batch": batch}
        ours = of(samples, "seconds", program=programs[0].key, threads=threads, **case)
        best = min(of(samples, "seconds", program=p.key, threads=threads, **case) for p in peers)
        share = 4 * (784 + 10) * hidden * batch / ours / peaks[threads]
        times = [timed(samples, p, threads, **case) for p in programs]
        rows.append([data, f"{hidden} × {batch:,}", str(threads), *times, f"{best / ours:.2f}", f"{share:.0%}"])
    head = ["data", "hidden × batch", "threads", *(p.title for p in programs), "best peer / ours", "share of peak"]
    return table(head, rows)


def products(samples, levels, work):
    """GFLOP/s of matrix products, and how many times as fast as the best peer ours is at each level."""
    peers = {"openblas": "OpenBLAS", "gemm": "gemm", "matrixmultiply": "matrixmultiply"}
    rows = []
    for shape in sorted(work, key=work.get):
        for threads in sorted({s["threads"] for s in samples}):
            case = {"shape": shape, "threads": threads}
            there = {s["program"] for s in samples if s["shape"] == shape and s["threads"] == threads}
            rate = {p: work[shape] / of(samples, "seconds", program=p, **case) / 1e9 for p in there}
            best = max(rate[p] for p in peers if p in rate)
            cells = [f"{rate[p]:.0f}" if p in rate else "" for p in (*levels, *peers)]
            rows.append([shape, str(threads), *cells, *(f"{rate[level] / best:.2f}" for level in levels)])
    head = ["product", "threads", *levels, *peers.values(), *(f"{level} / best peer" for level in levels)]
    return table(head, rows)


def single(samples, threads, head, title):
    times = [duration(of(samples, "seconds", threads=n)) for n in threads]
    return table([head, *map(plural, threads)], [[title, *times]])


def about(machine, rounds):
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return f"{machine['processor']}; {machine['system']}; {versions}. Medians of {plural(rounds, 'interleaved round')}."
