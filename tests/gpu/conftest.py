"""What only a CUDA GPU can show: collected everywhere, run where there is one (`pytest -m gpu`)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, and pass over them on a machine without a GPU."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.gpu)
            if not torch.cuda.is_available():
                item.add_marker(pytest.mark.skip(reason="needs a CUDA GPU"))


@pytest.fixture(autouse=True)
def _exact() -> Iterator[None]:
    """Products in full float32, in an order that does not change, as `align` asks for it."""
    conv = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.allow_tf32 = conv


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the gate between a completion and the true note asks."""
    from tests.gpu.sentences import write_encoder

    return write_encoder(tmp_path_factory.mktemp("encoder"))
