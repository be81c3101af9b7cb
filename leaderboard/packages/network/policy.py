"""A published network as code: `onnxruntime` answers for each device of one member.

What the network is shown and what its answer means is `around_rule` of docs/leaderboard.md, written
for one member: 0 = what the self-consumption rule does, 1 and -1 = all that the device can do.
"""

import math

import numpy as np
import onnxruntime

OWN = ("soc", "capacity", "power_max", "hours_left", "target_soc")
PER_UNIT = 4096.0


def make(facts):
    """The network in the seat of one member."""
    return Network(facts)


class Network:
    """Remembers nothing."""

    def __init__(self, facts):
        """With the public facts of the member."""
        self.facts, self.at = facts, {name: n for n, name in enumerate(facts["features"])}
        assets = len(facts["half"]) - 2
        self.common = np.arange(len(OWN) * assets, len(self.at))
        self.devices = facts["devices"]
        self.gains = [gains(device, facts["dt_h"]) for device in self.devices]
        self.spare_kw = facts["connection_limit_kw"] - facts["peak_load_kw"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        given = ("policy.onnx", options, ["CPUExecutionProvider"])
        self.session = onnxruntime.InferenceSession(*given)

    def act(self, observation, published, state):
        """Set-points between the limits, and an order for what they leave."""
        seen = observation.astype(np.float64)
        half, middle = self.facts["half"], self.facts["middle"]
        physical = np.zeros(len(half))
        surplus = left = seen[self.at["pv"]] - seen[self.at["load"]]
        answers = self.answers(observation, seen, surplus)
        for k, answer in enumerate(answers):
            low, high = self.limits(seen, k)
            by_rule = np.clip(left, low, high)
            way = high - by_rule if answer > 0.0 else by_rule - low
            physical[k] = by_rule + answer * way
            left = left - physical[k]
        physical[-2] = -left
        physical[-1] = 2.0 * half[-1] if left < 0.0 else 0.0
        usable = np.where(half > 0.0, half, 1.0)
        return np.where(half > 0.0, (physical - middle) / usable, 0.0), state

    def answers(self, observation, seen, left):
        """What the network says of each device, in [-1, 1]."""
        if not self.devices:
            return []
        stored = [seen[self.at[f"soc_{k}"]] * self.capacity(seen, k) for k in self.numbers]
        room = [self.capacity(seen, k) for k in self.numbers]
        rows = []
        for k in self.numbers:
            low, high = self.limits(seen, k)
            by_rule = np.clip(left, low, high)
            left = left - by_rule
            others = (np.sum(stored) - stored[k], np.sum(room) - room[k])
            own = observation[len(OWN) * k : len(OWN) * (k + 1)]
            rows.append([*own, *observation[self.common], low, by_rule, high, *others])
        (output,) = self.session.run(["output"], {"rows": np.array(rows, dtype=np.float32)})
        rounded = np.round(output[:, 0] * PER_UNIT) / PER_UNIT
        return np.clip(rounded.astype(np.float32), -1.0, 1.0)

    @property
    def numbers(self):
        """Of the devices."""
        return range(len(self.devices))

    def capacity(self, seen, k):
        """Of a device [kWh]; 0 while it is away."""
        return seen[self.at[f"capacity_{k}"]]

    def limits(self, seen, k):
        """Lowest and highest power of a device in this step [kW]."""
        charge_h, discharge_h = self.gains[k]
        soc, capacity, power_max, hours_left, target = (seen[self.at[f"{n}_{k}"]] for n in OWN)
        level = soc * capacity
        high = min(power_max, (capacity - level) / charge_h)
        here = power_max > 0.0
        low = max(self.devices[k]["power_min_kw"] if here else 0.0, -level / discharge_h)
        later_h = max(hours_left - self.facts["dt_h"], 0.0)
        free_kw = min(power_max, self.spare_kw)
        floor = target * capacity - free_kw * charge_h * later_h / self.facts["dt_h"]
        missing = floor - level
        due = missing / charge_h if missing > 0.0 else missing / discharge_h
        if hours_left > 0.0:
            low = max(low, min(due, free_kw))
        return min(low, high), high


def gains(device, dt_h):
    """What a kW adds to the level over a step, and what it takes from it [h]."""
    lost = float(f"{-math.expm1(-device['leak_per_h'] * dt_h):.12g}")
    hours = dt_h if lost == 0.0 else lost / device["leak_per_h"]
    return hours * device["eta_charge"], hours / device["eta_discharge"]
