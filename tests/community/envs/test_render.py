"""Rendering: text always, an image where matplotlib is."""

import numpy as np
import pytest

import p2p_market
from p2p_market.community.envs import rendering
from p2p_market.errors import RenderError, ResetNeededError


def played(render_mode, scenario_id="classic-v0", steps=12):
    env = p2p_market.make(scenario_id, render_mode=render_mode)
    env.reset(seed=0)
    generator = np.random.default_rng(0)
    for _ in range(steps):
        env.step(
            {a: generator.uniform(-1, 1, env.action_map.width).astype("f4") for a in env.agents}
        )
    return env


def test_a_line_of_text():
    env = played("ansi")
    assert env.render().startswith("classic-v0 step 12/168: ")
    assert "kW imported" in env.render()
    env.reset(seed=0)
    assert "imported" not in env.render()


@pytest.mark.parametrize("scenario_id", ["classic-v0", "ev-12-v0", "community-64-v0"])
def test_an_image_of_what_happened(scenario_id):
    pytest.importorskip("matplotlib")
    env = played("rgb_array", scenario_id, steps=3)
    first = env.render()
    assert first.shape == (600, 1000, 3)
    assert first.dtype == np.uint8
    assert 0.02 < (first < 250).any(axis=-1).mean() < 0.6  # ink, and paper
    np.testing.assert_array_equal(first, env.render())
    env.step({a: np.full(env.action_map.width, 0.5, "f4") for a in env.agents})
    assert (env.render() != first).any()


def test_an_image_right_after_reset():
    pytest.importorskip("matplotlib")
    assert played("rgb_array", steps=0).render().shape == (600, 1000, 3)


def test_nothing_without_a_mode_and_errors_that_help(monkeypatch):
    assert played(None).render() is None
    with pytest.raises(RenderError, match="known: ansi, rgb_array"):
        p2p_market.make("classic-v0", render_mode="human")
    with pytest.raises(ResetNeededError):
        p2p_market.make("classic-v0", render_mode="ansi").render()
    monkeypatch.setattr(rendering, "FRAME", "no_such_module:draw")
    with pytest.raises(RenderError, match=r"\[report\]"):
        played("rgb_array").render()
