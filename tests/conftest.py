"""What holds for all tests, and what tests of several rooms ask for."""

import pytest
from hypothesis import settings

# no test asserts a time: machines are noisy
settings.register_profile("narraframe", deadline=None)
settings.load_profile("narraframe")


@pytest.fixture(scope="module")
def one_thread():
    """Threads that wait for a core held by another process take three times as long."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
