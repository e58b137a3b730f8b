"""GPT-2 as PyTorch and Hugging Face's transformers compute it, in float64."""

try:
    import torch
    import transformers
except ImportError as missing:
    torch, absent = None, f"{missing.name} is not installed"


def versions():
    return {"torch": torch.__version__, "transformers": transformers.__version__}


def everything(folder, tokens, targets):
    """Logits, loss [1] and the gradient of every weight, by the names that the command gives them."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    model, report = transformers.GPT2LMHeadModel.from_pretrained(
        folder, dtype=torch.float64, attn_implementation="eager", output_loading_info=True)
    for what in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if report[what]:
            raise ValueError(f"{folder}: transformers has {what}: {report[what]}")
    model.eval()
    logits = model(torch.from_numpy(tokens).long()).logits
    wanted = torch.from_numpy(targets).long()
    loss = torch.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), wanted.reshape(-1))
    loss.backward()
    found = {"logits": logits.detach().numpy(), "loss": loss.detach().numpy().reshape(1)}
    for name, weight in model.named_parameters():
        found["gradient." + name.removeprefix("transformer.")] = weight.grad.numpy()
    return found
