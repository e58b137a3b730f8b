"""The table of peers: every row, by the modules that bring them."""

import rows_attention
import rows_elementwise
import rows_multi_head
import rows_softmax

MODULES = (rows_attention, rows_elementwise, rows_softmax, rows_multi_head)


def rows(dry):
    """`dry`: small enough for the emulator."""
    for module in MODULES:
        yield from module.rows(dry)
