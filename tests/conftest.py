"""What holds for all tests."""

from hypothesis import settings

# no test asserts a time: machines are noisy
settings.register_profile("narraframe", deadline=None)
settings.load_profile("narraframe")
