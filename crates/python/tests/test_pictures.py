"""predict_image: paths, PIL images and arrays."""

import numpy as np
import pytest

from twolayer import TwoLayerNet


@pytest.fixture(scope="module")
def net():
    return TwoLayerNet(784, 20, 10, weight_init_std=0.1, seed=0)


@pytest.fixture
def drawing():
    """A thick black bar on white paper."""
    picture = np.full((200, 160), 255, np.uint8)
    picture[40:160, 70:95] = 0
    return picture


def test_a_picture_is_the_same_in_every_form(tmp_path, net, drawing):
    image = pytest.importorskip("PIL.Image")
    want = net.predict_image(drawing)
    assert want.pixels.shape == (28, 28) and want.pixels[14, 14] > 200 and want.pixels[0].max() == 0
    np.testing.assert_array_equal(want.probabilities, net.predict(want.pixels.ravel()))
    assert want.digit == want.probabilities.argmax()
    picture = image.fromarray(drawing)
    picture.save(tmp_path / "one.png")
    (tmp_path / "one.pgm").write_bytes(b"P5 160 200 255\n" + drawing.tobytes())
    transparent = np.dstack([np.zeros((200, 160, 3), np.uint8), 255 - drawing])
    for form in (
        tmp_path / "one.png",
        str(tmp_path / "one.pgm"),
        picture,
        picture.convert("RGB"),
        picture.convert("1"),
        drawing / 255,
        drawing == 255,
        np.dstack([drawing] * 3),
        transparent,
        drawing[..., np.newaxis],
    ):
        np.testing.assert_array_equal(net.predict_image(form).pixels, want.pixels)


def test_what_is_no_picture_is_an_error(tmp_path, net, drawing):
    (tmp_path / "text.png").write_text("hello")
    for picture, error, message in [
        (tmp_path / "none.png", FileNotFoundError, "none.png"),
        (tmp_path, IsADirectoryError, "directory"),
        (tmp_path / "text.png", ValueError, "text.png.*not a PNG"),
        (np.full((50, 50), 255, np.uint8), ValueError, "the picture"),
        (np.zeros((5, 5, 5), np.uint8), ValueError, r"shape \(5, 5, 5\)"),
        (np.zeros((0, 5), np.uint8), ValueError, r"shape \(0, 5\)"),
        (drawing.astype(float), ValueError, "not from 0 to 1"),
        (drawing.astype(int), TypeError, "int64"),
    ]:
        with pytest.raises(error, match=message):
            net.predict_image(picture)
    with pytest.raises(ValueError, match="20 inputs, not those of a square"):
        TwoLayerNet(20, 5, 10).predict_image(drawing)
