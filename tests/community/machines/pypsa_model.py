"""The same plants by PyPSA: reads a case, writes its cost; runs where PyPSA is installed."""

import json
import sys

import numpy as np
import pypsa

case = json.loads(sys.stdin.read())
network, steps = pypsa.Network(), len(case["price"])
network.set_snapshots(range(steps))
network.add("Bus", "site")
network.add("Load", "load", bus="site", p_set=case["load_kw"])
sun = np.array(case["pv_kw"])
network.add("Generator", "pv", bus="site", p_nom=1.0, p_min_pu=sun, p_max_pu=sun)
network.add("Generator", "import", bus="site", p_nom=1e4, marginal_cost=case["price"])
grid = {"p_nom": 1e4, "p_min_pu": -1.0, "p_max_pu": 0.0, "marginal_cost": case["feed_in"]}
network.add("Generator", "export", bus="site", **grid)
for plant in case["plants"]:
    name = plant["name"]
    network.add("Bus", name)
    lost = plant.get("lost_per_step", 0.0)  # PyPSA leaves the first step's loss out
    store = {"e_nom": plant["capacity_kwh"], "e_initial": (1.0 - lost) * plant["start_kwh"]}
    store["standing_loss"] = lost
    network.add("Store", name, bus=name, **store)
    if (up := plant.get("charge")) is not None:
        runs = {"committable": "least" in up, "up_time_before": 0}
        runs |= {"p_min_pu": up["least"], "start_up_cost": up["start"]} if "least" in up else {}
        link = {"efficiency": up["eta"], "marginal_cost": up["wear"], "p_nom": up["kw"], **runs}
        network.add("Link", f"{name} charge", bus0="site", bus1=name, **link)
    if (down := plant.get("discharge")) is not None:
        link = {"efficiency": down["eta"], "marginal_cost": down["wear"] * down["eta"]}
        link["p_nom"] = down["kw"] / down["eta"]
        network.add("Link", f"{name} discharge", bus0=name, bus1="site", **link)
    if "drift_kw" in plant:
        drift = np.array(plant["drift_kw"])
        network.add("Load", f"{name} drain", bus=name, p_set=np.maximum(-drift, 0.0))
        back_up = {"p_max_pu": np.maximum(-drift, 0.0), "marginal_cost": plant["missing"]}
        network.add("Generator", f"{name} back-up", bus=name, p_nom=1.0, **back_up)
        fill = {"p_max_pu": np.maximum(drift, 0.0)}  # less than all: the rest is spilled
        network.add("Generator", f"{name} inflow", bus=name, p_nom=1.0, **fill)

model = network.optimize.create_model()
levels = model.variables["Store-e"].sel(snapshot=steps - 1)
objective = model.objective.expression
for plant in case["plants"]:
    objective = objective - plant["value"] * levels.sel(name=plant["name"])
model.objective = objective
whole = any("least" in plant.get("charge", {}) for plant in case["plants"])
network.optimize.solve_model(solver_name="highs", **({"mip_rel_gap": 0.0} if whole else {}))
sys.stdout.write(f"\nCOST {float(model.objective.value)!r}\n")
