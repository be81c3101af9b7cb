"""A BenchMARL experiment on our task."""

import warnings

import pytest

pytest.importorskip("benchmarl")

SCENARIO, COMMUNITIES = "classic-v0", 2
# BenchMARL uses names of TorchRL that TorchRL is about to give up.
pytestmark = [
    pytest.mark.xdist_group("benchmarl"),  # imported once
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def library():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import benchmarl.algorithms as algorithms
        import benchmarl.experiment as experiment
        import benchmarl.models.mlp as mlp

        import baselines.learners.interop.benchmarl_task as task
    return algorithms, experiment, mlp, task


def experiment_of(library, algorithm: str, folder, decision: str = "around_rule"):
    algorithms, experiment, mlp, task = library
    config = experiment.ExperimentConfig.get_from_yaml()
    config.max_n_frames, config.max_n_iters = None, 2
    for policy in ("on", "off"):
        setattr(config, f"{policy}_policy_n_envs_per_worker", COMMUNITIES)
        setattr(config, f"{policy}_policy_collected_frames_per_batch", COMMUNITIES * 168)
    config.on_policy_minibatch_size, config.on_policy_n_minibatch_iters = 168, 1
    config.off_policy_n_optimizer_steps, config.off_policy_train_batch_size = 2, 64
    config.evaluation_interval, config.evaluation_episodes = COMMUNITIES * 168, 2
    config.loggers, config.create_json, config.save_folder = ["csv"], False, str(folder)
    return experiment.Experiment(
        task.CommunityTask(SCENARIO, decision),
        getattr(algorithms, algorithm).get_from_yaml(),
        mlp.MlpConfig.get_from_yaml(),
        seed=0,
        config=config,
    )


@pytest.mark.parametrize(
    ("algorithm", "decision"),
    [
        ("MappoConfig", "around_rule"),
        pytest.param("MasacConfig", "around_rule", marks=pytest.mark.slow),
        pytest.param("IppoConfig", "full", marks=pytest.mark.slow),
    ],
)
def test_an_experiment_changes_the_policy_and_evaluates_it(library, tmp_path, algorithm, decision):
    experiment = experiment_of(library, algorithm, tmp_path, decision)
    before = [weights.detach().clone() for weights in experiment.policy.parameters()]
    experiment.run()
    assert experiment.total_frames == 2 * COMMUNITIES * 168
    assert any((a != b).any() for a, b in zip(before, experiment.policy.parameters(), strict=True))
    (table,) = tmp_path.rglob("eval_reward_episode_len_mean.csv")
    lengths = [float(line.split(",")[1]) for line in table.read_text("utf-8").split()]
    assert lengths == 2 * [168.0]


def test_all_agents_share_an_actor_and_the_critic_sees_the_joint_state(library, tmp_path):
    experiment = experiment_of(library, "MappoConfig", tmp_path)
    critic = experiment.losses["agents"].critic_network
    assert "state" in critic.in_keys
    assert ("agents", "observation") not in critic.in_keys
    weights = max(w.ndim for w in experiment.policy.parameters())
    assert weights == 2  # 3 would be a stack of one network per agent
