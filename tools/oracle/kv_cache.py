"""A cache with new rows in it: every element is one of the inputs'."""

from settled import Decided


def new_rows(case, tensors):
    """Of every token of the cache that takes one: which new row, over all batches."""
    paged = case.variant == "append_paged"
    size = {key: int(case.shape[key]) for key in ("batch", "q", *(("page", "slots", "pages") if paged else ("k",)))}
    room = size["page"] * size["slots"] if paged else size["k"]
    taken = {}
    for b in range(size["batch"]):
        length = min(max(int(tensors["lengths"][b]), 0), room)
        for i in range(min(size["q"], room - length)):
            token = length + i
            if paged:
                page = int(tensors["table"][b * size["slots"] + token // size["page"]])
                if 0 <= page < size["pages"]:
                    taken[page * size["page"] + token % size["page"]] = b * size["q"] + i
            else:
                taken[b * room + token] = b * size["q"] + i
    return taken


def expected(case, output, tensors):
    """Pairs of an index and the element that is there."""
    row = int(case.shape["heads"]) * int(case.shape["d"])
    taken = new_rows(case, tensors)
    for at, x in enumerate(tensors["cache"]):
        new = taken.get(at // row)
        yield at, Decided(x if new is None else tensors["rows"][new * row + at % row])
