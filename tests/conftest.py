"""What holds for all tests: no time limit a loaded machine could trip over, no settings of whoever runs them."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("runlake", deadline=None, print_blob=True)
settings.load_profile("runlake")

for name in [name for name in os.environ if name.startswith("RUNLAKE_")]:
    del os.environ[name]
