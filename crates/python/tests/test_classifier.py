"""TwoLayerClassifier in scikit-learn."""

import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from twolayer import TwoLayerClassifier


@parametrize_with_checks([TwoLayerClassifier()])
def test_the_protocol(estimator, check):
    check(estimator)


def test_pipelines_and_grid_search_work_with_labels_of_any_kind():
    x, t = load_digits(return_X_y=True)
    names = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])[t]
    pipeline = make_pipeline(MinMaxScaler(), TwoLayerClassifier(random_state=0, epochs=15))
    search = GridSearchCV(pipeline, {"twolayerclassifier__hidden_size": [2, 40]}, cv=2).fit(x, names)
    assert search.best_params_ == {"twolayerclassifier__hidden_size": 40}
    assert search.best_estimator_.score(x, names) > 0.95
    assert search.predict_proba(x).shape == (len(x), 10)


def test_a_seed_gives_the_same_network():
    x, t = load_digits(return_X_y=True)
    estimator = TwoLayerClassifier(random_state=3, epochs=2)
    first, second = estimator.fit(x / 16, t).net_, clone(estimator).fit(x / 16, t).net_
    np.testing.assert_array_equal(first.params["W1"], second.params["W1"])
