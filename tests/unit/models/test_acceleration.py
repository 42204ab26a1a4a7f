"""Layers for channels_last: each is the layer of torch that it stands for."""

from __future__ import annotations

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import bvae
from bvae.models.acceleration import (
    CellConv2d,
    Conv2d,
    Flatten,
    FlattenedLinear,
    FoldPixels,
    TransposedConv2d,
    UnflattenedLinear,
    accelerate,
    set_enabled,
)
from bvae.models.acceleration.convolution import _Convolution
from bvae.models.likelihoods import laplace, normal
from bvae.models.networks import NETWORKS, NetworkPair

LAST = torch.channels_last


def images(*shape: int) -> Tensor:
    """Random (B, C, H, W) in channels_last, float64."""
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(*shape, dtype=torch.float64, generator=generator).contiguous(memory_format=LAST)


def same(ours: nn.Module, theirs: nn.Module, x: Tensor) -> Tensor:
    """Compare outputs and all gradients of two modules with the same parameters; returns our output."""
    ours, theirs = ours.double().to(memory_format=LAST), theirs.double()
    for mine, its in zip(ours.parameters(), theirs.parameters(), strict=True):
        its.data.copy_(mine)
    x.requires_grad_()
    out, expected = ours(x), theirs(x)
    torch.testing.assert_close(out, expected)
    cotangent = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view(out.shape)
    for mine, its in zip(torch.autograd.grad(out, [x, *ours.parameters()], cotangent),
                         torch.autograd.grad(expected, [x, *theirs.parameters()], cotangent), strict=True):
        torch.testing.assert_close(mine, its)
    return out


# -- transposed convolutions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("out_channels", [3, 9])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, (5, 3)])
def test_a_transposed_convolution_is_that_of_torch(kernel, out_channels) -> None:
    compared = 0
    for stride, padding, extra in itertools.product([1, 2, (3, 2)], [0, 1, (0, 2)], [0, (0, 1)]):
        options = {"stride": stride, "padding": padding, "output_padding": extra}
        theirs = nn.ConvTranspose2d(4, out_channels, kernel, **options).double()
        x = images(2, 4, 5, 4)
        try:
            theirs(x)
        except RuntimeError:  # no image is left, or the extra padding is not smaller than the stride
            continue
        same(TransposedConv2d(4, out_channels, kernel, **options), theirs, x)
        compared += 1
    assert compared >= 6


@pytest.mark.parametrize("options", [{"groups": 2}, {"dilation": 2}, {"bias": False}])
def test_other_transposed_convolutions_are_left_to_torch(options) -> None:
    same(TransposedConv2d(4, 6, 3, stride=2, **options), nn.ConvTranspose2d(4, 6, 3, stride=2, **options),
         images(2, 4, 5, 4))


def test_a_transposed_convolution_takes_a_size_and_single_images() -> None:
    layer, plain = TransposedConv2d(4, 3, 3, stride=2), nn.ConvTranspose2d(4, 3, 3, stride=2)
    plain.load_state_dict(layer.state_dict())
    x = images(2, 4, 5, 5).float()
    assert layer(x, output_size=[12, 12]).shape == (2, 3, 12, 12)
    torch.testing.assert_close(layer(x[0]), plain(x[0]))


@pytest.mark.parametrize("out_channels", [3, 9])
def test_transposed_convolutions_can_be_differentiated_twice_and_forward(out_channels) -> None:
    layer = TransposedConv2d(2, out_channels, 3, stride=2, padding=1, output_padding=1).double()
    weights = [p.detach().clone().requires_grad_() for p in layer.parameters()]

    def function(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return torch.func.functional_call(layer, {"weight": weight, "bias": bias}, x)

    x = images(1, 2, 2, 2).requires_grad_()
    assert torch.autograd.gradcheck(function, (x, *weights), check_forward_ad=True)
    assert torch.autograd.gradgradcheck(function, (x, *weights))


def test_transposed_convolutions_follow_autocast() -> None:
    layer = TransposedConv2d(4, 3, 3, stride=2).to(memory_format=LAST)
    x = images(2, 4, 5, 5).float()
    with torch.autocast("cpu", torch.bfloat16):
        out = layer(x)
    assert out.dtype == torch.bfloat16
    torch.testing.assert_close(out.float(), layer(x), atol=0.05, rtol=0.05)
    out.float().square().sum().backward()
    assert layer.weight.grad.dtype == layer.bias.grad.dtype == torch.float32


# -- convolutions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 6, 8, 12])
@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (3, 5)])
def test_gradients_of_images_side_by_side_are_those_of_torch(kernel, batch) -> None:
    padding = kernel[0] // 2, kernel[1] // 2
    for stride, width in itertools.product([(1, 1), (2, 2), (1, 3)], [4, 7, 8]):
        x = images(batch, 3, 5, width).requires_grad_()
        parameters = [images(4, 3, *kernel).requires_grad_(), torch.ones(4, dtype=torch.float64, requires_grad=True)]
        out = _Convolution.apply(x, *parameters, stride, padding)
        expected = F.conv2d(x, *parameters, stride, padding)
        torch.testing.assert_close(out, expected)
        cotangent = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view(out.shape)
        torch.testing.assert_close(torch.autograd.grad(out, [x, *parameters], cotangent),
                                   torch.autograd.grad(expected, [x, *parameters], cotangent))


def test_images_side_by_side_can_be_differentiated_twice_and_forward() -> None:
    arguments = [value.requires_grad_() for value in (images(4, 2, 2, 3), images(2, 2, 3, 3), torch.ones(2).double())]

    def function(*values: Tensor) -> Tensor:
        return _Convolution.apply(*values, (1, 1), (1, 1))

    assert torch.autograd.gradcheck(function, arguments, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(function, arguments)


@pytest.mark.parametrize("options", [{"padding": 1}, {"padding": 1, "stride": 2}, {}, {"padding": "same"},
                                     {"padding": 1, "bias": False}, {"padding": 1, "padding_mode": "circular"}])
def test_convolutions_in_bfloat16_have_the_gradients_of_torch(options, monkeypatch) -> None:
    # The function is right without them, too.
    monkeypatch.setattr("bvae.models.acceleration.convolution.has_tiles", lambda: True)
    layer, plain = Conv2d(8, 6, 3, **options).to(memory_format=LAST), nn.Conv2d(8, 6, 3, **options)
    plain.load_state_dict(layer.state_dict())
    x = images(8, 8, 7, 7).float().requires_grad_()
    gradients = []
    for module in (layer, plain):
        with torch.autocast("cpu", torch.bfloat16):
            out = module(x)
        assert out.dtype == torch.bfloat16
        gradients.append(torch.autograd.grad(out.float().square().sum(), [x, *module.parameters()]))
    for mine, theirs in zip(*gradients, strict=True):  # a single sum of products may cancel: all of a gradient is held
        assert (mine - theirs).norm() <= 0.01 * theirs.norm()
    assert all(value.dtype == torch.float32 for value in gradients[0])


# -- linear maps and pixel shuffles ------------------------------------------------------------------------------------


def test_flattening_before_a_linear_map() -> None:
    same(FlattenedLinear((5, 3, 2), 7), nn.Sequential(nn.Flatten(), nn.Linear(30, 7)), images(4, 5, 3, 2))


def test_unflattening_after_a_linear_map() -> None:
    x = torch.randn(4, 7, dtype=torch.float64)
    out = same(UnflattenedLinear(7, (5, 3, 2)), nn.Sequential(nn.Linear(7, 30), nn.Unflatten(1, (5, 3, 2))), x)
    assert out.is_contiguous(memory_format=LAST)


@pytest.mark.parametrize(("factor", "channels"), [(2, 12), (2, 64), (4, 48)])
def test_a_convolution_and_its_pixel_shuffle(factor, channels) -> None:
    theirs = nn.Sequential(nn.Conv2d(6, channels, 3, padding=1), nn.PixelShuffle(factor))
    out = same(CellConv2d(6, channels, 3, factor=factor, padding=1), theirs, images(2, 6, 5, 4))
    assert out.is_contiguous(memory_format=LAST)


def test_jacobians_of_decoders_in_both_modes() -> None:
    _, decoder = NETWORKS["image"]
    decoder = decoder((3, 8, 8), 4, 8).to(memory_format=LAST)
    z = torch.randn(1, 4)
    backward = torch.autograd.functional.jacobian(decoder, z)
    torch.testing.assert_close(torch.func.jacrev(decoder)(z), backward)
    torch.testing.assert_close(torch.func.jacfwd(decoder)(z), backward, atol=1e-5, rtol=1e-4)


# -- networks of others ------------------------------------------------------------------------------------------------


def encoder(shape: tuple[int, ...], latent_dim: int, width: int) -> nn.Module:
    """A usual one: strided convolutions, then a linear map."""
    return nn.Sequential(nn.Conv2d(3, width, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(),
                         nn.Linear(width * 16, 2 * latent_dim))


def decoder(shape: tuple[int, ...], latent_dim: int, width: int) -> nn.Module:
    """Its mirror image."""
    return nn.Sequential(nn.Linear(latent_dim, width * 16), nn.Unflatten(1, (width, 4, 4)), nn.ReLU(),
                         nn.ConvTranspose2d(width, 3, 3, stride=2, padding=1, output_padding=1), nn.Sigmoid())


def test_networks_of_others_are_quicker_and_the_same_if_they_ask_for_it(monkeypatch) -> None:
    monkeypatch.setitem(NETWORKS._entries, "usual", NetworkPair(encoder, decoder, accelerate=True))
    torch.manual_seed(0)
    model = bvae.MultimodalVAE([bvae.Modality("a", "usual", (3, 8, 8))], bvae.aggregator("poe"))
    torch.manual_seed(0)
    plain = encoder((3, 8, 8), 32, 64), decoder((3, 8, 8), 32, 64)
    assert type(model.encoders["a"][2]) is Flatten
    assert type(model.decoders["a"][3]) is TransposedConv2d
    x, z = torch.rand(5, 3, 8, 8), torch.randn(5, 32)
    for ours, theirs, value in ((model.encoders["a"], plain[0], x), (model.decoders["a"], plain[1], z)):
        assert list(ours.state_dict()) == list(theirs.state_dict())
        torch.testing.assert_close(ours(value), theirs(value))
        torch.testing.assert_close(torch.autograd.grad(ours(value).square().sum(), list(ours.parameters())),
                                   torch.autograd.grad(theirs(value).square().sum(), list(theirs.parameters())))


def test_networks_of_others_stay_what_they_are(monkeypatch) -> None:
    monkeypatch.setitem(NETWORKS._entries, "usual", NetworkPair(encoder, decoder))
    modalities = [bvae.Modality("a", "usual", (3, 8, 8)), bvae.Modality("b", "image", (3, 8, 8))]
    model = bvae.MultimodalVAE(modalities, bvae.aggregator("poe"))
    found = [type(layer) for network in (model.encoders["a"], model.decoders["a"]) for layer in network.modules()]
    assert all(kind.__module__.startswith("torch.nn.") for kind in found)
    assert all(p.is_contiguous() for p in model.encoders["a"].parameters())
    assert {type(layer) for layer in model.encoders["b"].modules()} >= {Conv2d, FlattenedLinear, FoldPixels}


def test_a_subclass_of_a_layer_is_left_alone() -> None:
    class Mine(nn.Conv2d):
        pass

    network = accelerate(nn.Sequential(nn.Conv2d(3, 3, 3), Mine(3, 3, 3)))
    assert [type(layer) for layer in network] == [Conv2d, Mine]


# -- the switch --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("data", "method"), [("polymnist", "mwb-vae"), ("mnist-svhn-text", "mwb-vae"),
                                              ("celeba", "mwb-vae"), ("polymnist", "mmvae-plus")])
def test_shipped_models_are_the_same_with_plain_layers(data, method) -> None:
    model, x = bvae.load(data, method), bvae.dataset(data).subset(slice(0, 8))
    with torch.no_grad():
        fast, fast_means = model.encode(x), model.decode(model.encode(x).mean)
        with set_enabled(False):
            plain, plain_means = model.encode(x), model.decode(model.encode(x).mean)
    for name in ("weights", "loc", "scale"):
        torch.testing.assert_close(getattr(plain, name), getattr(fast, name), atol=1e-5, rtol=1e-5)
    for name, values in fast_means.items():
        torch.testing.assert_close(plain_means[name], values, atol=1e-5, rtol=1e-4)


def test_switched_off_no_layer_computes_in_its_own_way(monkeypatch) -> None:
    for layer in ("cells.Unfold", "convolution._Convolution", "linear._SameLayout", "transposed._Transposed"):
        monkeypatch.delattr(f"bvae.models.acceleration.{layer}.forward")
    monkeypatch.setattr("bvae.models.acceleration.convolution.has_tiles", lambda: True)
    model = bvae.MultimodalVAE([bvae.Modality("a", "image", (3, 8, 8))], bvae.aggregator("poe"))
    more = nn.Sequential(TransposedConv2d(3, 3, 2, stride=2), Flatten())
    x = torch.rand(4, 3, 8, 8).contiguous(memory_format=LAST).requires_grad_()

    def loss() -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return model.decode(model.encode({"a": x}).mean)["a"].sum() + more(x).float().sum()

    with set_enabled(False):
        loss().backward()
    with pytest.raises(NotImplementedError):
        loss()


def test_gradients_are_those_of_plain_layers() -> None:
    model = bvae.MultimodalVAE([bvae.Modality("a", "image", (3, 28, 28))], bvae.aggregator("poe")).double()
    x = torch.rand(4, 3, 28, 28, dtype=torch.float64)

    def gradients() -> tuple[Tensor, ...]:
        z = model.encoders["a"](x)[:, :32]
        return torch.autograd.grad(model.decoders["a"](z).square().sum(), list(model.parameters()))

    fast = gradients()
    with set_enabled(False):
        torch.testing.assert_close(gradients(), fast, atol=1e-5, rtol=1e-5)  # means are computed in float32


def test_parameters_have_the_names_that_checkpoints_know() -> None:
    model = bvae.MultimodalVAE([bvae.Modality("a", "image", (3, 28, 28)), bvae.Modality("b", "text", (8, 30))],
                               bvae.aggregator("poe"))
    assert list(model.state_dict()) == [
        f"{network}.{name}.{kind}"
        for network, names in (("encoders.a", ("net.1", "net.2.conv", "net.4", "net.7")),
                               ("encoders.b", ("net.0", "net.2", "net.4", "net.7")),
                               ("decoders.a", ("expand", "net.1", "net.2.conv", "net.4", "net.7")),
                               ("decoders.b", ("expand", "net.1", "net.3", "net.5")))
        for name in names for kind in ("weight", "bias")]


def test_the_gradient_of_flatten_has_the_layout_of_its_input() -> None:
    layers = nn.Sequential(nn.Flatten())
    accelerate(layers)
    seen = []
    x = images(2, 3, 4, 5).requires_grad_()
    hidden = x * 1
    hidden.register_hook(seen.append)
    (layers(hidden) ** 2).sum().backward()
    assert seen[0].is_contiguous(memory_format=LAST)
    torch.testing.assert_close(x.grad, 2 * x.detach())


# -- distances ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", [LAST, torch.contiguous_format])
def test_densities_are_those_of_torch_with_their_gradients(layout) -> None:
    x, mean = (images(3, 2, 4, 5 + i)[..., :5].contiguous(memory_format=layout) for i in (0, 1))
    mean.requires_grad_()
    x.requires_grad_()
    for density, reference in ((normal, torch.distributions.Normal(mean, 0.3)),
                               (laplace, torch.distributions.Laplace(mean, 0.3))):
        ours, theirs = density(x, mean, 0.3), reference.log_prob(x).flatten(1).sum(1)
        torch.testing.assert_close(ours, theirs)
        weights = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64)
        torch.testing.assert_close(torch.autograd.grad(ours, [x, mean], weights),
                                   torch.autograd.grad(theirs, [x, mean], weights))


def test_densities_take_one_item_against_many_and_other_types() -> None:
    x, mean = torch.rand(1, 2, 4, 4), torch.rand(6, 2, 4, 4)
    torch.testing.assert_close(laplace(x, mean, 0.5), torch.distributions.Laplace(mean, 0.5).log_prob(x).sum((1, 2, 3)))
    half = x.bfloat16()
    torch.testing.assert_close(normal(half, mean, 0.5), normal(half.float(), mean, 0.5))
