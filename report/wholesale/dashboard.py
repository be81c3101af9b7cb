"""A page of Streamlit on one play of a power system; `p2p-market dashboard` starts it.

Arguments: `run FOLDER SCENARIO POLICY` shows a recorded play, `play SCENARIO POLICY HOURS SEED` one
that is played first, `live SCENARIO POLICY HOURS SEED` one that goes on while it is watched.
"""

import sys
from pathlib import Path
from typing import Any, Final

import pandas as pd
import streamlit as st

from p2p_market.evaluation.players.policy import load_cast
from p2p_market.evaluation.record.replayed import replayed_play
from p2p_market.evaluation.rollout import Playing, rollout
from p2p_market.registry import load_scenario
from p2p_market.track import EpisodeKey
from p2p_market.wholesale.baselines import RULE
from p2p_market.wholesale.episode.episode import draw, keys
from p2p_market.wholesale.scenario import Scenario
from report.wholesale.network import figure as network
from report.wholesale.network import said
from report.wholesale.view import View
from report.wholesale.views import VIEWS

CONFIG: Final = {"displaylogo": False, "displayModeBar": False}
EVERY: Final = "1s"
NETWORK: Final = "Communication network"


@st.cache_resource(show_spinner="Playing the recorded actions again ...")
def recorded(folder: str, scenario: str, policy: str) -> tuple[Any, Any, Any]:
    """Scenario, episodes and play of a record."""
    found = replayed_play(Path(folder), scenario, policy)
    return found.scenario, found.episode, found.played


@st.cache_resource(show_spinner="Playing ...")
def played(name: str, cast: str, hours: float, seed: int) -> tuple[Any, Any, Any]:
    """Scenario, episode and play of the beginning of a test week."""
    scenario, episode = drawn(name, seed)
    policies: Any = load_cast(cast, scenario)
    steps = count(scenario, hours)
    return scenario, episode, rollout(scenario, episode, policies, cast, steps=steps)


@st.cache_resource(show_spinner="Playing the default rule beside it ...")
def by_rule(_scenario: Any, _episode: Any, keys_: tuple[EpisodeKey, ...], steps: int) -> Any:
    """The same episodes with the default rule in every role."""
    rule: Any = load_cast(RULE, _scenario)
    return rollout(_scenario, _episode, rule, RULE, steps=steps)


def drawn(name: str, seed: int) -> tuple[Scenario, Any]:
    """A scenario and the first of its test weeks."""
    scenario: Any = load_scenario(name)
    return scenario, draw(scenario, keys(scenario, "test", seed)[0][0])


def count(scenario: Scenario, hours: float) -> int:
    """Steps of so many hours, at least one and at most the episode."""
    return max(1, min(scenario.steps, round(hours / scenario.dt_h)))


def going_on(name: str, cast: str, hours: float, seed: int) -> tuple[Any, Any, Any, bool]:
    """Scenario, episode, what was played so far, and whether there is more; one step per call."""
    if "playing" not in st.session_state:
        made, episode = drawn(name, seed)
        policies: Any = load_cast(cast, made)
        st.session_state.playing = Playing(made, episode, policies, cast)
    playing: Playing = st.session_state.playing
    scenario: Any = playing.scenario
    last = count(scenario, hours)
    if playing.done < last and not st.session_state.get("pause", False):
        for _ in range(int(st.session_state.get("pace", 1))):
            if playing.done < last:
                playing.step()
    more = playing.done < last
    return scenario, playing.episode, playing.played(), more


def show(view: View, step: int) -> None:
    """The six views, each on a tab."""
    for tab, (name, shown) in zip(st.tabs(list(VIEWS)), VIEWS.items(), strict=True):
        with tab:
            st.caption(shown.caption)
            if name == NETWORK:
                messages(view, step)
            else:
                st.plotly_chart(shown.figure(view, step), config=CONFIG, key=name)


def messages(view: View, step: int) -> None:
    """The network of a step or an hour, and the log below, filtered."""
    hour = round(1.0 / view.scenario.dt_h)
    steps = hour if st.toggle("the whole hour before", key="hour") else 1
    st.plotly_chart(network(view, step, steps), config=CONFIG, key=NETWORK)
    told = said(view, step, steps)
    kinds = st.multiselect("Kinds", sorted({one.kind for one in told}), key="kinds")
    names = st.multiselect("Agents", view.names, key="names")
    rows = [
        {
            "time": view.clock(one.step),
            "phase": one.phase,
            "sender": one.sender,
            "receiver": one.receiver,
            "kind": one.kind,
            "content": one.line(),
        }
        for one in told
        if (not kinds or one.kind in kinds)
        and (not names or {one.sender, one.receiver} & set(names))
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True)


def chosen_step(view: View) -> int:
    """The step of the slider."""
    if view.steps == 1:
        return 0
    step = st.slider("Step", 0, view.steps - 1, key="step")
    st.markdown(f"**{view.clock(step)}**")
    return int(step)


def watch(scenario: Any, episode: Any, play: Any, policy: str) -> None:
    """A play that is over."""
    st.header(scenario.spec.title)
    community = 0
    if len(episode.keys) > 1:
        told = [f"week {k + 1}: day {key.start_day}" for k, key in enumerate(episode.keys)]
        community = told.index(st.selectbox("Episode", told, key="episode") or told[0])
    st.caption(f"{scenario.spec.id}, {policy}, digest {play.digests[community][:12]}")
    rule = None
    if st.toggle("compare with the default rule", key="compare"):
        rule = by_rule(scenario, episode, episode.keys, play.steps)
    view = View(scenario, episode, play, community, rule)
    show(view, chosen_step(view))


def live(name: str, cast: str, hours: float, seed: int) -> None:
    """A play that goes on: one refresh, one step, or as many as the reader likes."""
    scenario, *_ = drawn(name, seed)
    st.header(f"{scenario.spec.title}, live")
    left, right = st.columns(2)
    left.slider("Steps per second", 1, 12, key="pace")
    right.toggle("pause", key="pause")

    @st.fragment(run_every=EVERY)
    def moving() -> None:
        _, episode, play, more = going_on(name, cast, hours, seed)
        view = View(scenario, episode, play)
        st.markdown(f"**{view.clock(view.steps - 1)}**" + ("" if more else ", the end"))
        show(view, view.steps - 1)

    moving()


def main(kind: str, *given: str) -> None:
    """Show what the arguments say."""
    st.set_page_config(page_title="p2p_market", layout="wide")
    if kind == "run":
        folder, scenario, policy = given
        watch(*recorded(folder, scenario, policy), policy)
        return
    scenario, cast, hours, seed = given
    if kind == "live":
        live(scenario, cast, float(hours), int(seed))
    else:
        watch(*played(scenario, cast, float(hours), int(seed)), cast)


if __name__ == "__main__":
    main(*sys.argv[1:])
