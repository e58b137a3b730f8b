"""The table of peers: every row, by the modules that bring them."""

import rows_attention
import rows_elementwise
import rows_gpt2
import rows_layer_norm
import rows_linear
import rows_multi_head
import rows_optimizer
import rows_softmax
import rows_vocabulary

MODULES = (rows_attention, rows_elementwise, rows_softmax, rows_multi_head, rows_linear, rows_layer_norm, rows_vocabulary,
           rows_optimizer, rows_gpt2)


def rows(dry):
    """`dry`: small enough for the emulator."""
    for module in MODULES:
        yield from module.rows(dry)
