"""The networks and losses of the workloads in PyTorch, for peer.py to time and bridge.py to check."""

import torch
import torch.nn as nn
import torch.nn.functional as F


def pictures(count, *shape):
    """Noise, each with a brightness and a contrast of its own."""
    each = (count,) + (1,) * len(shape)
    brightness, contrast = 2 * torch.rand(each) - 1, 0.5 + torch.rand(each)
    return brightness + contrast * (2 * torch.rand(count, *shape) - 1)


class Block(nn.Module):
    """A pre-norm transformer block with exact GELU."""

    def __init__(self, width, heads, hidden, causal=False):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.heads, self.causal = heads, causal

    def forward(self, x):
        samples, tokens, width = x.shape
        split = self.qkv(self.norm1(x)).view(samples, tokens, 3, self.heads, width // self.heads)
        q, k, v = split.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        x = x + self.proj(mixed.transpose(1, 2).reshape(samples, tokens, width))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


def patches(images, side):
    """(batch, channels, height, width) to (batch, patches, channels * side * side), channels first in a patch."""
    batch, channels, height, width = images.shape
    grid = images.view(batch, channels, height // side, side, width // side, side)
    return grid.permute(0, 2, 4, 1, 3, 5).reshape(batch, -1, channels * side * side)


class Vit(nn.Module):
    """Tokens of a vision transformer after its last norm; `keep` names the ones it sees."""

    def __init__(self, channels, size, patch=4, width=128, depth=4, heads=4, hidden=256):
        super().__init__()
        self.patch = patch
        self.embed = nn.Linear(channels * patch * patch, width)
        self.positions = nn.Parameter(0.02 * torch.randn((size // patch) ** 2, width))
        self.blocks = nn.ModuleList(Block(width, heads, hidden) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, images, keep=None):
        x = self.embed(patches(images, self.patch)) + self.positions
        if keep is not None:
            x = x.gather(1, keep.unsqueeze(-1).expand(-1, -1, x.shape[-1]))
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


class MeanOverTokens(nn.Module):
    def forward(self, x):
        return x.mean(1)


def head(inputs, hidden, outputs):
    """Linear, batch norm, ReLU, linear."""
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, outputs)
    )


def contrastive_vit():
    return nn.Sequential(Vit(1, 28), MeanOverTokens(), head(128, 256, 128))


def stage(inputs, outputs, stride):
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def contrastive_convnet():
    stages = [stage(3, 32, 1), stage(32, 64, 2), stage(64, 128, 2), stage(128, 256, 2)]
    pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(nn.Sequential(*stages), pool, head(256, 256, 128))


def contrast(embeddings):
    """NT-Xent at temperature 0.2 of two views, one after the other."""
    from lightly.loss import NTXentLoss

    first, second = embeddings.chunk(2)
    return NTXentLoss(temperature=0.2)(first, second)


def redundancy_mlp():
    return nn.Sequential(head(64, 512, 512), head(512, 512, 512))


def vicreg(first, second):
    from lightly.loss import VICRegLoss

    return VICRegLoss()(first, second)


class MaskedAutoencoder(nn.Module):
    """A ViT sees 16 of 64 patches, a narrow decoder predicts the normalised pixels of the other 48."""

    VISIBLE = 16

    def __init__(self):
        super().__init__()
        self.encoder = Vit(3, 32)
        self.embed = nn.Linear(128, 64)
        self.mask = nn.Parameter(0.02 * torch.randn(64))
        self.positions = nn.Parameter(0.02 * torch.randn(64, 64))
        self.blocks = nn.ModuleList(Block(64, 4, 128) for _ in range(2))
        self.norm, self.output = nn.LayerNorm(64), nn.Linear(64, 48)

    def forward(self, images, places):
        """The loss; `places` is each patch's place in a random order of its image, whose first patches are visible."""
        keep = places.argsort(1)[:, : self.VISIBLE]
        seen = self.embed(self.encoder(images, keep))
        hidden = self.mask.expand(len(images), 64 - self.VISIBLE, -1)
        x = torch.cat([seen, hidden], 1).gather(1, places.unsqueeze(-1).expand(-1, -1, 64))
        x = x + self.positions
        for block in self.blocks:
            x = block(x)
        target = patches(images, 4)
        deviation = (target.var(-1, keepdim=True) + 1e-6).sqrt()
        target = (target - target.mean(-1, keepdim=True)) / deviation
        error = (self.output(self.norm(x)) - target).square().mean(-1)
        masked = (places >= self.VISIBLE).float()
        return (error * masked).sum() / masked.sum()


class Gpt(nn.Module):
    """Logits of the next character at every place."""

    def __init__(self, characters=65, context=128, width=128):
        super().__init__()
        self.tokens = nn.Embedding(characters, width)
        self.positions = nn.Parameter(0.02 * torch.randn(context, width))
        self.blocks = nn.ModuleList(Block(width, 4, 512, causal=True) for _ in range(4))
        self.norm, self.output = nn.LayerNorm(width), nn.Linear(width, characters)

    def forward(self, text):
        x = self.tokens(text) + self.positions
        for block in self.blocks:
            x = block(x)
        return self.output(self.norm(x))
