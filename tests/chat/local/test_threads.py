"""How many threads suit a model: as measured, and torch is left as it was."""

import time

import pytest

torch = pytest.importorskip("torch")

from agemem_gym.chat.local.threads import suitable_threads, usable_cores  # noqa: E402


class Model:
    """Takes so long for a pass, by the number of threads."""

    def __init__(self, **seconds):
        self._seconds = {int(name[1:]): value for name, value in seconds.items()}
        self.tried = []

    def __call__(self, **_):
        threads = torch.get_num_threads()
        self.tried.append(threads)
        time.sleep(self._seconds[threads])


@pytest.mark.parametrize(
    ("seconds", "cores", "best"),
    [
        ({"_1": 0.02, "_2": 0.01, "_4": 0.005}, 4, 4),
        ({"_1": 0.02, "_2": 0.01, "_3": 0.02}, 3, 2),
        ({"_1": 0.01, "_2": 0.03}, 2, 1),
        ({"_1": 0.01, "_2": 0.0095}, 2, 1),  # not worth a core that others may use
        ({"_1": 0.01}, 1, 1),
    ],
)
def test_the_fewest_threads_that_are_fastest(seconds, cores, best):
    before = torch.get_num_threads()
    model = Model(**seconds)
    assert suitable_threads(model, cores) == best
    assert torch.get_num_threads() == before
    assert max(model.tried) <= cores


def test_a_real_model_is_measured(model):
    assert 1 <= suitable_threads(model) <= usable_cores()
