"""One SimBench low-voltage feeder as a radial tree, read without pandapower."""

import zipfile
from collections import deque

import numpy as np
import pandas as pd

SUBNET = "LV2.101"


def read_feeder(wheel: zipfile.ZipFile, folder: str) -> dict[str, np.ndarray]:
    """Nodes in breadth-first order from the transformer, with the line to each node's parent."""

    def own(name: str) -> pd.DataFrame:
        table = pd.read_csv(wheel.open(f"{folder}{name}.csv"), sep=";", low_memory=False)
        return table[table.subnet.str.startswith(SUBNET)] if "subnet" in table else table

    merged = _contract(own("Switch"))
    lines = own("Line").merge(own("LineType"), left_on="type", right_on="id", suffixes=("", "_t"))
    transformers = pd.read_csv(wheel.open(f"{folder}Transformer.csv"), sep=";")
    transformer = transformers[transformers.subnet.str.contains(SUBNET, regex=False)].iloc[0]
    types = pd.read_csv(wheel.open(f"{folder}TransformerType.csv"), sep=";").set_index("id")
    neighbours: dict[str, list[tuple[str, tuple[float, ...]]]] = {}
    for line in lines.itertuples():
        ends = merged.get(line.nodeA, line.nodeA), merged.get(line.nodeB, line.nodeB)
        data = (line.length, line.r * line.length, line.x * line.length, line.iMax)
        neighbours.setdefault(ends[0], []).append((ends[1], data))
        neighbours.setdefault(ends[1], []).append((ends[0], data))
    root = merged.get(transformer.nodeLV, transformer.nodeLV)
    order, parent, line_data = _walk(root, neighbours)
    index = {node: i for i, node in enumerate(order)}
    loads = [index[merged.get(node, node)] for node in own("Load").node]
    return {
        "feeder_parent": np.array(parent, dtype=np.int16),
        "feeder_length_km": line_data[:, 0],
        "feeder_r_ohm": line_data[:, 1],
        "feeder_x_ohm": line_data[:, 2],
        "feeder_current_limit_a": line_data[:, 3],
        "feeder_load_node": np.array(loads, dtype=np.int16),
        "feeder_transformer_kva": np.array(1000.0 * types.loc[transformer["type"], "sR"]),
    }


def _contract(switches: pd.DataFrame) -> dict[str, str]:
    """Node -> representative of the nodes that closed switches join to it."""
    representative: dict[str, str] = {}

    def find(node: str) -> str:
        while representative.setdefault(node, node) != node:
            node = representative[node]
        return node

    for switch in switches[switches.cond == 1].itertuples():
        first, second = sorted((find(switch.nodeA), find(switch.nodeB)))
        representative[second] = first
    return {node: find(node) for node in list(representative)}


def _walk(
    root: str, neighbours: dict[str, list[tuple[str, tuple[float, ...]]]]
) -> tuple[list[str], list[int], np.ndarray]:
    """Breadth-first order, index of each node's parent (-1 for the root), data of its line."""
    order, parent = [root], [-1]
    data: list[tuple[float, ...]] = [(0.0, 0.0, 0.0, 0.0)]
    queue, seen = deque([(root, 0)]), {root}
    while queue:
        node, number = queue.popleft()
        for other, line in neighbours[node]:
            if other not in seen:
                seen.add(other)
                order.append(other)
                parent.append(number)
                data.append(line)
                queue.append((other, len(order) - 1))
    return order, parent, np.array(data)
