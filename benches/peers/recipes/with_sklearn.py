"""The recipe in scikit-learn: MLPClassifier, f32.

Each call of partial_fit is one pass over its rows, shuffled and cut into batches: the cheapest way that the library
offers. So batches are drawn without replacement, and the initial weights are the library's own.
"""

import digits
import sklearn
from sklearn.neural_network import MLPClassifier


def train(model, x, t, rows):
    with sklearn.config_context(assume_finite=True, skip_parameter_validation=True):
        while rows > 0:
            model.partial_fit(x[:rows], t[:rows], classes=range(digits.CLASSES))
            rows -= len(x)
    (w1, w2), (b1, b2) = model.coefs_, model.intercepts_
    return w1, b1, w2, b2


def main():
    args = digits.arguments()
    x = digits.floats(digits.images(args.data, "train"))
    t = digits.labels(args.data, "train")

    def start():
        return MLPClassifier(
            (args.hidden,),
            activation="logistic",
            solver="sgd",
            alpha=0,
            momentum=0,
            batch_size=args.batch,
            learning_rate_init=args.lr,
            random_state=0,
        )

    train(start(), x, t, digits.WARM_UP * args.batch)
    model = start()
    digits.report(lambda: train(model, x, t, args.iters * args.batch), args)


main()
