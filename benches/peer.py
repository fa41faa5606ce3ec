#!/usr/bin/env python3
"""The workloads of `selfsame bench` on PyTorch, LightlySSL and scikit-learn.

    peer.py WORKLOAD [--threads N] [--steps N] [--compile]

prints one JSON line with the keys `selfsame bench WORKLOAD --json` has as well: workload, unit, median, best, step_ms,
threads, peak_memory_bytes. Shapes, losses and optimisers are those `selfsame bench --help` lists; everything is float32 on
the CPU with random inputs. The models are in models.py, where bridge.py uses them too.
"""

import argparse
import json
import resource
import time

import numpy as np
import torch
import torch.nn.functional as F

import models

WARM_UP = 3
BATCH = 256


class Workload:
    """What one step does, what it counts for and in which unit."""

    def __init__(self, step, samples, unit):
        self.step, self.samples, self.unit = step, samples, unit


def trained(model, loss, optimizer, samples, unit="images/s"):
    def step():
        optimizer.zero_grad(set_to_none=True)
        loss(model).backward()
        optimizer.step()

    return Workload(step, samples, unit)


def adamw(model, decay=0.05):
    return torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=decay)


def simclr(network, shape, compiled):
    optimizer = adamw(network)
    views = models.pictures(2 * BATCH, *shape)
    return trained(compiled(network), lambda m: models.contrast(m(views)), optimizer, BATCH)


def simclr_vit(options, compiled):
    return simclr(models.contrastive_vit(), (1, 28, 28), compiled)


def simclr_cnn(options, compiled):
    return simclr(models.contrastive_convnet(), (3, 32, 32), compiled)


def mae_vit(options, compiled):
    network = models.MaskedAutoencoder()
    images = models.pictures(BATCH, 3, 32, 32)

    def loss(model):
        return model(images, torch.rand(BATCH, 64).argsort(1))

    return trained(compiled(network), loss, adamw(network), BATCH)


def gpt_char(options, compiled):
    network = models.Gpt()
    text = torch.randint(0, 65, (32, 129))

    def loss(model):
        return F.cross_entropy(model(text[:, :-1]).flatten(0, 1), text[:, 1:].flatten())

    return trained(compiled(network), loss, adamw(network, 0.01), 32 * 128, "tokens/s")


def vicreg_mlp(options, compiled):
    network = models.redundancy_mlp()
    first, second = models.pictures(512, 64), models.pictures(512, 64)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    return trained(compiled(network), lambda m: models.vicreg(m(first), m(second)), optimizer, 512)


def noise(count):
    return np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def lightly_views():
    from lightly.transforms import SimCLRTransform

    return SimCLRTransform(input_size=32, min_scale=0.2, cj_strength=0.5, gaussian_blur=0.0)


def augment(options, compiled):
    from PIL import Image

    pictures, views = [Image.fromarray(i) for i in noise(BATCH)], lightly_views()

    def step():
        for picture in pictures:
            views(picture)

    return Workload(step, 2 * BATCH, "views/s")


def augment_fast(options, compiled):
    """The same on byte tensors through torchvision's second generation of transforms."""
    import torchvision.transforms.v2 as T

    chain = T.Compose(
        [
            T.RandomResizedCrop(32, scale=(0.2, 1.0), antialias=True),
            T.RandomHorizontalFlip(),
            T.RandomApply([T.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8),
            T.RandomGrayscale(0.2),
            T.ToDtype(torch.float32, scale=True),
            T.Normalize((0.49, 0.48, 0.45), (0.25, 0.24, 0.26)),
        ]
    )
    pictures = list(torch.from_numpy(noise(BATCH)).permute(0, 3, 1, 2).contiguous())

    def step():
        for picture in pictures:
            chain(picture)
            chain(picture)

    return Workload(step, 2 * BATCH, "views/s")


class Pictures(torch.utils.data.Dataset):
    """Noise as pictures, seen through `views`."""

    def __init__(self, count, views):
        self.images, self.views = noise(count), views

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        from PIL import Image

        return self.views(Image.fromarray(self.images[index]))


def e2e_simclr(options, compiled):
    count = BATCH * (options.steps + WARM_UP)
    data = Pictures(count, lightly_views())
    batches = iter(torch.utils.data.DataLoader(data, BATCH, num_workers=options.threads))
    network = models.contrastive_convnet()
    return trained(
        compiled(network), lambda m: models.contrast(m(torch.cat(next(batches)))), adamw(network), BATCH
    )


def knn(options, compiled):
    bank, queries = (F.normalize(torch.randn(n, 256)) for n in (50_000, 10_000))
    labels = torch.arange(50_000) * 7 % 10

    def step():
        for block in queries.split(512):
            cosines, rows = (block @ bank.T).topk(200)
            votes = torch.zeros(len(block), 10)
            votes.scatter_add_(1, labels[rows], (cosines / 0.07).exp())
            votes.argmax(1)

    return Workload(step, 10_000, "queries/s")


def probe(options, compiled):
    """A classifier is fitted once: no warm-up, no repetitions."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 50_000)
    centres = 0.3 * rng.standard_normal((10, 256))
    rows = (centres[labels] + rng.standard_normal((50_000, 256))).astype(np.float32)
    begun = time.perf_counter()
    accuracy = LogisticRegression(max_iter=100).fit(rows, labels).score(rows, labels)
    seconds = time.perf_counter() - begun
    return dict(unit="seconds", median=seconds, best=seconds, step_ms=1e3 * seconds, train_accuracy=accuracy)


WORKLOADS = {
    "simclr-vit": simclr_vit,
    "simclr-cnn": simclr_cnn,
    "mae-vit": mae_vit,
    "gpt-char": gpt_char,
    "vicreg-mlp": vicreg_mlp,
    "augment": augment,
    "augment-fast": augment_fast,
    "e2e-simclr": e2e_simclr,
    "knn": knn,
    "probe": probe,
}


def timed(work, steps):
    for _ in range(WARM_UP):
        work.step()
    seconds = []
    for _ in range(steps):
        begun = time.perf_counter()
        work.step()
        seconds.append(time.perf_counter() - begun)
    seconds.sort()
    median, best = seconds[len(seconds) // 2], seconds[0]
    return dict(
        unit=work.unit, median=work.samples / median, best=work.samples / best, step_ms=1e3 * median
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--compile", action="store_true", help="through torch.compile")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    compiled = torch.compile if options.compile else lambda model: model
    found = WORKLOADS[options.workload](options, compiled)
    if isinstance(found, Workload):
        found = timed(found, options.steps)
    report = dict(
        workload=options.workload,
        peer=f"torch {torch.__version__}",
        device="cpu",
        threads=options.threads,
        steps=options.steps,
        compile=options.compile,
        **found,
        # Kilobytes on Linux.
        peak_memory_bytes=1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    )
    print(json.dumps(report))


if __name__ == "__main__":
    main()
