"""On a machine that never compiled anything."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CLEAR = """
import numpy as np
from numba import njit
from p2p_market.community.fused import clearing, kernel

@njit(**kernel.OPTIONS)
def step(rule, quantity, price, fill, payment, hub_price):
    clearing.clear(
        rule, quantity, price, price, price, 0.5, 0.1, 1.0, 1.0, fill, payment, hub_price
    )

quantity, price = np.array([[1.0, -1.0]]), np.array([[0.4, 0.2]])
fill, payment, hub_price = np.zeros((1, 2)), np.zeros((1, 2)), np.zeros(1)
step(0, quantity, price, fill, payment, hub_price)
print(fill.tolist())
"""


@pytest.mark.compiled
def test_rules_may_allocate_though_the_step_does_not(tmp_path):
    """Numba hands the step's options down to callees that were not compiled before."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", CLEAR]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[[1.0, -1.0]]"
