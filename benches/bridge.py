#!/usr/bin/env python3
"""Checks that a workload is the same computation in Selfsame and in PyTorch.

    bridge.py [WORKLOAD ...] [--selfsame PROGRAM]

`selfsame bench WORKLOAD --export FILE` writes one step: weights, inputs, loss and gradients. This program puts the same
weights into the network of models.py, computes loss and gradients of the same inputs in float64 and in float32, and
compares them with the exported ones: for each tensor the norm of the difference over the norm of the gradient, which must be
below 1e-4 for the float32 of both. A parameter's name there and here is listed in NAMES. Exit code 1 if anything differs.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

import models

TOLERANCE = 1e-4

# What Selfsame calls a part of a network, and what models.py calls it; applied in order. Weight matrices are (out, in) and
# kernels (out, in, height, width) in both.
HEAD = [
    (r"\bhidden\.", "0."),
    (r"\bnorm\.scale", "1.weight"),
    (r"\bnorm\.shift", "1.bias"),
    (r"\boutput\.", "3."),
]
TRANSFORMER = [
    (r"\btrunk\.", ""),
    (r"(norm\d?)\.scale", r"\1.weight"),
    (r"(norm\d?)\.shift", r"\1.bias"),
]
NAMES = {
    "simclr-vit": [
        (r"^network\.projector\.hidden\.", "2.0."),
        (r"^network\.projector\.norm\.scale", "2.1.weight"),
        (r"^network\.projector\.norm\.shift", "2.1.bias"),
        (r"^network\.projector\.output\.", "2.3."),
        (r"^network\.encoder\.", "0."),
        *TRANSFORMER,
    ],
    "simclr-cnn": [
        (r"^network\.projector\.", "2."),
        (r"^network\.encoder\.first\.", "0.0."),
        # The first stage is a field of its own, so the further ones count from 1 here.
        (r"^network\.encoder\.further\.(\d+)\.", lambda m: f"0.{int(m[1]) + 1}."),
        (r"\bconv\.", "0."),
        *HEAD,
    ],
    "vicreg-mlp": [(r"^encoder\.", "0."), (r"^projector\.", "1."), *HEAD],
    "mae-vit": [(r"^network\.", ""), (r"^decoder\.", ""), *TRANSFORMER],
    "gpt-char": [(r"^network\.", ""), (r"^tokens$", "tokens.weight"), *TRANSFORMER],
}


def simclr_vit(inputs):
    network = models.contrastive_vit()
    return network, lambda: models.contrast(network(inputs["views"]))


def simclr_cnn(inputs):
    network = models.contrastive_convnet()
    return network, lambda: models.contrast(network(inputs["views"]))


def vicreg_mlp(inputs):
    network = models.redundancy_mlp()
    return network, lambda: models.vicreg(network(inputs["first"]), network(inputs["second"]))


def mae_vit(inputs):
    network = models.MaskedAutoencoder()
    return network, lambda: network(inputs["images"], inputs["places"].long())


def gpt_char(inputs):
    network, text = models.Gpt(), inputs["text"].long()
    return network, lambda: F.cross_entropy(network(text[:, :-1]).flatten(0, 1), text[:, 1:].flatten())


STEPS = {
    "simclr-vit": simclr_vit,
    "simclr-cnn": simclr_cnn,
    "vicreg-mlp": vicreg_mlp,
    "mae-vit": mae_vit,
    "gpt-char": gpt_char,
}


def torch_name(workload, name):
    for pattern, replacement in NAMES[workload]:
        name = re.sub(pattern, replacement, name)
    return name


def exported(program, workload):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "step.safetensors"
        subprocess.run([program, "bench", workload, "--export", file], check=True, stderr=subprocess.DEVNULL)
        tensors = load_file(file)
    kinds = {"input": {}, "parameter": {}, "gradient": {}}
    for name, tensor in tensors.items():
        kind, _, rest = name.partition(".")
        if kind != "loss":
            kinds[kind][rest] = tensor
    return kinds["input"], kinds["parameter"], kinds["gradient"], tensors["loss"]


def recomputed(workload, inputs, parameters, precision):
    """Loss and gradients in PyTorch from the exported weights and inputs."""
    network, loss = STEPS[workload]({name: tensor.to(precision) for name, tensor in inputs.items()})
    network.to(precision)
    own = dict(network.named_parameters())
    names = {name: torch_name(workload, name) for name in parameters}
    if set(names.values()) != set(own):
        sys.exit(f"{workload}: the parameters' names do not map one to one:\n{set(names.values()) ^ set(own)}")
    with torch.no_grad():
        for name, tensor in parameters.items():
            target = own[names[name]]
            # A norm's (1, width) and (width) hold the same numbers; anything else must agree.
            if target.shape != tensor.shape:
                sys.exit(f"{workload}: {name} is {tuple(tensor.shape)}, in PyTorch {tuple(target.shape)}")
            target.copy_(tensor)
    value = loss()
    value.backward()
    return value.detach(), {name: own[names[name]].grad for name in parameters}


def check(program, workload):
    inputs, parameters, gradients, loss = exported(program, workload)
    exact_loss, exact = recomputed(workload, inputs, parameters, torch.float64)
    single_loss, single = recomputed(workload, inputs, parameters, torch.float32)
    whole = torch.stack([g.norm() for g in exact.values()]).norm()
    rows = [("loss", loss.double(), exact_loss, single_loss.double())]
    rows += [(name, gradients[name].double(), exact[name], single[name].double()) for name in parameters]
    print(f"\n{workload}: loss {loss.item():.6f}, {len(parameters)} gradients")
    print(f"  {'':<44}{'':>12}    off the float64 of PyTorch by")
    print(f"  {'tensor':<44}{'norm':>12}{'Selfsame':>12}{'PyTorch float32':>18}")
    agree = True
    for name, found, expected, reference in rows:
        norm = expected.norm().item()
        ours, theirs = (found - expected).norm().item(), (reference - expected).norm().item()
        # A bias before a batch norm has no gradient: what is there is rounding, small beside all gradients together.
        nothing = name != "loss" and max(norm, ours) < 1e-5 * whole
        same = ours < TOLERANCE * norm or nothing
        agree = agree and same
        mark = "" if same else "   DIFFERS"
        if nothing:
            print(f"  {name:<44}{'none':>12}")
        else:
            print(f"  {name:<44}{norm:>12.3e}{ours / norm:>12.1e}{theirs / norm:>18.1e}{mark}")
    print("  the same" if agree else "  NOT the same")
    return agree


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"any of {', '.join(STEPS)}")
    parser.add_argument("--selfsame", default="selfsame", help="the program (default: selfsame on the PATH)")
    options = parser.parse_args()
    unknown = set(options.workloads) - set(STEPS)
    if unknown:
        parser.error(f"unknown workload {', '.join(sorted(unknown))}; known: {', '.join(STEPS)}")
    agree = [check(options.selfsame, workload) for workload in options.workloads or STEPS]
    sys.exit(0 if all(agree) else 1)


if __name__ == "__main__":
    main()
