"""The recipe in PyTorch, f32: by autograd, or with the gradients written by hand and in place (`--variant`)."""

import digits
import torch
from torch import nn


def batches(x, args, iterations):
    return torch.randint(len(x), (iterations, args.batch))


def autograd(x, t, params, args, iterations):
    w1, b1, w2, b2 = params
    first, second = nn.Linear(*w1.shape), nn.Linear(*w2.shape)
    with torch.no_grad():
        for layer, w, b in ((first, w1, b1), (second, w2, b2)):
            layer.weight.copy_(w.T)
            layer.bias.copy_(b)
    model = nn.Sequential(first, nn.Sigmoid(), second)
    optimizer = torch.optim.SGD(model.parameters(), args.lr)
    for rows in batches(x, args, iterations):
        loss = nn.functional.cross_entropy(model(x[rows]), t[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return [p.detach() for p in (first.weight.T, first.bias, second.weight.T, second.bias)]


@torch.no_grad()
def in_place(x, t, params, args, iterations):
    w1, b1, w2, b2 = params
    w1 = w1.T.contiguous()
    rate = args.lr / args.batch
    ones = x.new_ones(args.batch)
    xb, tb = x.new_empty(args.batch, x.shape[1]), x.new_empty(args.batch, digits.CLASSES)
    z, da = x.new_empty(args.batch, args.hidden), x.new_empty(args.batch, args.hidden)
    d = torch.empty_like(tb)
    for rows in batches(x, args, iterations):
        torch.index_select(x, 0, rows, out=xb)
        torch.index_select(t, 0, rows, out=tb)
        torch.addmm(b1, xb, w1.T, out=z).sigmoid_()
        torch.softmax(torch.addmm(b2, z, w2, out=d), 1, out=d).sub_(tb)
        torch.mm(d, w2.T, out=da)
        torch.ops.aten.sigmoid_backward.grad_input(da, z, grad_input=da)
        w1.addmm_(da.T, xb, alpha=-rate)
        b1.addmv_(da.T, ones, alpha=-rate)
        w2.addmm_(z.T, d, alpha=-rate)
        b2.addmv_(d.T, ones, alpha=-rate)
    return w1.T, b1, w2, b2


def main():
    args = digits.arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    train = {"autograd": autograd, "in-place": in_place}[args.variant]
    x = torch.from_numpy(digits.floats(digits.images(args.data, "train")))
    t = digits.labels(args.data, "train")
    t = torch.tensor(t, dtype=torch.long) if train is autograd else torch.from_numpy(digits.one_hot(t))

    def start():
        return [torch.from_numpy(p) for p in digits.parameters(x.shape[1], args.hidden)]

    train(x, t, start(), args, digits.WARM_UP)
    params = start()
    digits.report(lambda: train(x, t, params, args, args.iters), args)


main()
