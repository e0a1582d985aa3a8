#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Trains the models of the tree benchmark with python3-xgboost and writes them, with rows to score, to a folder.

    make_models.py OUT_DIR [--short]

100x6 and 500x8: depth-wise, hist. 100x6_5classes (500 trees) and 300x6_number (regression): the same, both as LightGBM
text models, too. 500x63: leaf-wise (lossguide, 63 leaves), and the same trees once more as a LightGBM
text model, because LightGBM itself may not be installed. 500x8_exact: the exact method, where nearly every split has a
threshold of its own (not with --short). rows.f32: 100,000 x 28 float32, row-major. For the peers each model also as
.onnx and, where gcc is there, as a compiled .so and, where TL2cgen's Python package is there too, as a .tl2cgen.so (not
the last one: gcc takes long). Files that are there already are kept.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import xgboost as xgb

import peer_models

try:
    import tl2cgen
    import treelite
except ImportError:
    tl2cgen = None

FEATURES = 28
ROWS = 100_000


def data(seed, rows):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, FEATURES)).astype(np.float32)
    x[:, 7:14] = np.exp(x[:, 7:14])
    x[:, 14:18] = np.round(x[:, 14:18] * 8) / 8
    signal = (np.sin(x[:, 0] * 2) + x[:, 1] * x[:, 2] + np.log1p(x[:, 7]) * x[:, 3] + np.abs(x[:, 14]) - x[:, 20] ** 2 / 2
              + 0.3 * x[:, 21:28].sum(axis=1))
    return x, (signal + rng.normal(size=rows)).astype(np.float32), np.median(signal)


def train(x, y, trees, **params):
    base = dict(objective="binary:logistic", eta=0.1, nthread=1, seed=1)
    return xgb.train({**base, **params}, xgb.DMatrix(x, y), trees)


def as_lightgbm(booster_json, objective="binary sigmoid:1", classes=1):
    """The same trees as a LightGBM text model: x < t in float32 is x <= the float32 before t."""
    learner = booster_json["learner"]
    out = ["tree", "version=v4", f"num_class={classes}", f"num_tree_per_iteration={classes}", "label_index=0",
           f"max_feature_idx={FEATURES - 1}", "objective=" + objective,
           "feature_names=" + " ".join(f"f{i}" for i in range(FEATURES)),
           "feature_infos=" + " ".join("[-100:100]" for _ in range(FEATURES)), ""]
    for number, tree in enumerate(learner["gradient_booster"]["model"]["trees"]):
        left, right = tree["left_children"], tree["right_children"]
        inner = [i for i in range(len(left)) if left[i] != -1]
        leaves = [i for i in range(len(left)) if left[i] == -1]
        index = {node: i for i, node in enumerate(inner)}
        index.update({node: -i - 1 for i, node in enumerate(leaves)})
        threshold = [np.nextafter(np.float32(tree["split_conditions"][i]), np.float32(-np.inf)) for i in inner]
        line = lambda values: " ".join(str(v) for v in values)
        out += [f"Tree={number}", f"num_leaves={len(leaves)}", "num_cat=0",
                "split_feature=" + line(tree["split_indices"][i] for i in inner),
                "threshold=" + line(repr(float(t)) for t in threshold),
                "decision_type=" + line(2 + 8 for _ in inner),
                "left_child=" + line(index[left[i]] for i in inner),
                "right_child=" + line(index[right[i]] for i in inner),
                "leaf_value=" + line(repr(float(tree["split_conditions"][i])) for i in leaves),
                "is_linear=0", "shrinkage=1", "", ""]
    out += ["end of trees", ""]
    return "\n".join(out)


def compile_c(model, library):
    """The model's C compiled with gcc -O3, two files at a time."""
    with tempfile.TemporaryDirectory() as folder:
        objects, running = [], []
        for number, text in enumerate(peer_models.as_c(model)):
            source = os.path.join(folder, f"{number}.c")
            with open(source, "w") as f:
                f.write(text)
            objects.append(source + ".o")
            running.append(subprocess.Popen(["gcc", "-O3", "-fPIC", "-c", source, "-o", objects[-1]]))
            if len(running) > 1 and running.pop(0).wait() != 0:
                sys.exit("gcc failed")
        if any(r.wait() != 0 for r in running):
            sys.exit("gcc failed")
        subprocess.run(["gcc", "-shared", "-o", library, *objects], check=True)


def compile_tl2cgen(model_file, library):
    """The model by Treelite and TL2cgen, as their manual does it: gcc -O3, the code in several files."""
    if model_file.endswith(".json"):
        model = treelite.frontend.load_xgboost_model(model_file, format_choice="json")
    else:
        model = treelite.frontend.load_lightgbm_model(model_file)
    tl2cgen.export_lib(model, toolchain="gcc", libpath=library, params={"parallel_comp": 20}, options=["-O3"])


def make(path, write_to):
    """Writes a file by write_to(name) unless it is there; one that is cut short keeps another name."""
    if not os.path.exists(path):
        print(os.path.basename(path), flush=True)
        folder, name = os.path.split(path)
        part = os.path.join(folder, "part." + name)
        write_to(part)
        os.replace(part, path)


def write(path, content):
    with open(path, "w" if isinstance(content, str) else "wb") as f:
        f.write(content)


def main():
    folder, short = sys.argv[1], "--short" in sys.argv[2:]
    os.makedirs(folder, exist_ok=True)
    x, value, middle = data(1, 40_000)
    y = (value > middle).astype(np.float32)
    fifth = np.digitize(value, np.quantile(value, [0.2, 0.4, 0.6, 0.8])).astype(np.float32)
    models = {
        "100x6": lambda: train(x, y, 100, tree_method="hist", max_depth=6),
        "500x8": lambda: train(x, y, 500, tree_method="hist", max_depth=8),
        "500x63": lambda: train(x, y, 500, tree_method="hist", max_depth=0, grow_policy="lossguide", max_leaves=63),
        "100x6_5classes": lambda: train(x, fifth, 100, tree_method="hist", max_depth=6, objective="multi:softprob", num_class=5),
        "300x6_number": lambda: train(x, value, 300, tree_method="hist", max_depth=6, objective="reg:squarederror", base_score=0),
        "500x8_exact": lambda: train(x[:20_000], y[:20_000], 500, tree_method="exact", max_depth=8),
    }
    for name, model in models.items():
        exact = name == "500x8_exact"
        if short and exact:
            continue
        path = os.path.join(folder, name)
        make(path + ".json", lambda file: model().save_model(file))
        with open(path + ".json") as f:
            document = json.load(f)
        files = [path + ".json"]
        lightgbm = {"500x63": (), "100x6_5classes": ("multiclass num_class:5", 5), "300x6_number": ("regression",)}
        if name in lightgbm:
            files.append(path + "_lightgbm.txt")
            make(files[-1], lambda file: write(file, as_lightgbm(document, *lightgbm[name])))
        classes = name == "100x6_5classes"  # ONNX and C are written for one output
        for file in files if not classes else []:
            make(os.path.splitext(file)[0] + ".onnx", lambda file: write(file, peer_models.as_onnx(document)))
        if exact or classes or not shutil.which("gcc"):
            continue
        make(path + ".so", lambda file: compile_c(document, file))
        for file in files if tl2cgen else []:
            make(os.path.splitext(file)[0] + ".tl2cgen.so", lambda library: compile_tl2cgen(file, library))
    make(os.path.join(folder, "rows.f32"), data(2, ROWS)[0].tofile)


if __name__ == "__main__":
    main()
