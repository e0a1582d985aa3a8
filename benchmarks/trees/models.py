# SPDX-License-Identifier: MIT
"""The models of the comparison, trained with fixed seeds, and what peers make of them: files in a folder, kept between
runs. Each model is a NAME.json (XGBoost), .txt (LightGBM), .cbm (CatBoost) or .joblib beside a .json (scikit-learn)."""
import os
import sys

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROWS = 100_000
NUMBERS, TEXTS, WORDS = 28, 200, 40


def numbers(seed, rows):
    """Rows of 28 numbers, and the value that a model is to find."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(rows, NUMBERS)).astype(np.float32)
    x[:, 7:14] = np.exp(x[:, 7:14])
    x[:, 14:18] = np.round(x[:, 14:18] * 8) / 8
    signal = (np.sin(x[:, 0] * 2) + x[:, 1] * x[:, 2] + np.log1p(x[:, 7]) * x[:, 3] + np.abs(x[:, 14]) - x[:, 20] ** 2 / 2
              + 0.3 * x[:, 21:28].sum(axis=1))
    return x, (signal + draw.normal(size=rows)).astype(np.float32)


def codes(seed, rows):
    """Rows of 200 categories of 40 each, as positions in words()."""
    draw = np.random.default_rng(seed)
    x = draw.integers(0, WORDS, size=(rows, TEXTS))
    effect = np.random.default_rng(0).normal(size=(TEXTS, WORDS))
    return x, effect[np.arange(TEXTS), x][:, ::4].sum(axis=1) + draw.normal(size=rows)


def words():
    return [f"category number {i:02d}" for i in range(WORDS)]


def frame(x):
    """Positions as a table of texts."""
    import pandas as pd
    known = pd.Index(words())
    return pd.DataFrame({f"c{j}": pd.Categorical.from_codes(x[:, j], known) for j in range(x.shape[1])})


def make(path, write_to):
    """Writes a file by write_to(path) unless it is there; one that is cut short keeps another name."""
    if not os.path.exists(path):
        print("making", os.path.basename(path), flush=True)
        folder, name = os.path.split(path)
        write_to(os.path.join(folder, "part." + name))
        os.replace(os.path.join(folder, "part." + name), path)
    return path


def xgboost(folder, name, label, trees, **params):
    def train(path):
        import xgboost as xgb
        x, value = numbers(1, 40_000)
        data = xgb.DMatrix(x, label(value))
        xgb.train({"eta": 0.1, "nthread": 1, "seed": 1, "tree_method": "hist", **params}, data, trees).save_model(path)
    return make(os.path.join(folder, name + ".json"), train)


def lightgbm(folder, name, trees, texts=False, **params):
    def train(path):
        import lightgbm as lgb
        x, value = codes(1, 20_000) if texts else numbers(1, 40_000)
        data = lgb.Dataset(frame(x) if texts else x, value > np.median(value))
        base = {"objective": "binary", "num_threads": 1, "seed": 1, "deterministic": True, "force_col_wise": True, "verbose": -1}
        lgb.train({**base, **params}, data, trees).save_model(path)
    return make(os.path.join(folder, name + ".txt"), train)


def catboost(folder, name, trees, texts=False, **params):
    def train(path):
        import catboost as cb
        x, value = codes(1, 10_000) if texts else numbers(1, 40_000)
        model = cb.CatBoostClassifier(iterations=trees, verbose=0, allow_writing_files=False, random_seed=1, thread_count=1,
                                      cat_features=list(range(TEXTS)) if texts else None, **params)
        # CatBoost writes and reads by the extension
        model.fit(np.array(words(), dtype=object)[x] if texts else x, value > np.median(value)).save_model(path, format="cbm")
    return make(os.path.join(folder, name + ".cbm"), train)


def forest(folder, name, trees):
    def train(path):
        import joblib
        from sklearn.ensemble import RandomForestClassifier
        x, value = numbers(1, 20_000)
        joblib.dump(RandomForestClassifier(trees, random_state=1, n_jobs=1).fit(x, value > np.median(value)), path)

    def export(path):
        import joblib
        sys.path.insert(0, os.path.join(ROOT, "models"))
        from export_sklearn_trees import export
        export(joblib.load(trained), path)
    trained = make(os.path.join(folder, name + ".joblib"), train)
    return make(os.path.join(folder, name + ".json"), export)


def binary(value):
    return value > np.median(value)


def tenth(value):
    return np.digitize(value, np.quantile(value, np.arange(1, 10) / 10))


MODELS = {  # name: the function that makes its file in a folder
    "100x6": lambda f: xgboost(f, "100x6", binary, 100, objective="binary:logistic", max_depth=6),
    "500x8": lambda f: xgboost(f, "500x8", binary, 500, objective="binary:logistic", max_depth=8),
    "500x63": lambda f: xgboost(f, "500x63", binary, 500, objective="binary:logistic", max_depth=0, grow_policy="lossguide",
                                max_leaves=63),
    "500x63_lightgbm": lambda f: lightgbm(f, "500x63_lightgbm", 500, num_leaves=63),
    "1000x6_catboost": lambda f: catboost(f, "1000x6_catboost", 1000),
    "100x6_10classes": lambda f: xgboost(f, "100x6_10classes", tenth, 100, objective="multi:softprob", num_class=10, max_depth=6),
    "300x6_number": lambda f: xgboost(f, "300x6_number", lambda value: value, 300, objective="reg:squarederror", max_depth=6),
    "300_forest": lambda f: forest(f, "300_forest", 300),
    "200_texts": lambda f: lightgbm(f, "200_texts", 300, texts=True, num_leaves=31),
    "200_texts_catboost": lambda f: catboost(f, "200_texts_catboost", 300, texts=True, max_ctr_complexity=1),
}


def treelite(path):
    """The model as Treelite reads it."""
    import treelite
    if path.endswith(".txt"):
        return treelite.frontend.load_lightgbm_model(path)
    trained = path.replace(".json", ".joblib")
    if os.path.exists(trained):
        import joblib
        return treelite.sklearn.import_model(joblib.load(trained))
    return treelite.frontend.load_xgboost_model(path)


def compile_tl2cgen(path):
    """The model by TL2cgen and gcc, as its manual does it; a path of a shared library."""
    import tl2cgen

    def compiled(library):
        tl2cgen.export_lib(treelite(path), toolchain="gcc", libpath=library, params={"parallel_comp": 20}, nthread=1)
    return make(os.path.splitext(path)[0] + ".tl2cgen.so", compiled)


def as_onnx(path):
    """The model as an ONNX TreeEnsembleRegressor of raw values, from Treelite's JSON."""
    import json

    import onnx
    from onnx import TensorProto, helper

    def convert(to):
        model = json.loads(treelite(path).dump_as_json(pretty_print=False))
        outputs = max(model["num_class"])
        lists = {}
        note = lambda name, value: lists.setdefault(name, []).append(value)
        for t, tree in enumerate(model["trees"]):
            for node in tree["nodes"]:
                leaf = node.get("leaf_value")
                values = () if leaf is None else leaf if isinstance(leaf, list) else (leaf,)
                target = model["class_id"][t]
                for k, value in enumerate(values):
                    for name, v in (("treeids", t), ("nodeids", node["node_id"]), ("ids", max(target, 0) + k), ("weights", value)):
                        note("target_" + name, v)
                less = node.get("comparison_op") == "<"
                threshold = np.float32(node.get("threshold", 0))
                if not less and float(threshold) > node.get("threshold", 0):  # the same outcome for every float32
                    threshold = np.nextafter(threshold, np.float32(-np.inf))
                for name, v in (("treeids", t), ("nodeids", node["node_id"]), ("featureids", node.get("split_feature_id", 0)),
                                ("values", float(threshold)),
                                ("modes", "LEAF" if leaf is not None else "BRANCH_LT" if less else "BRANCH_LEQ"),
                                ("truenodeids", node.get("left_child", 0)), ("falsenodeids", node.get("right_child", 0)),
                                ("missing_value_tracks_true", int(node.get("default_left", False)))):
                    note("nodes_" + name, v)
        average = model["average_tree_output"]
        node = helper.make_node("TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", n_targets=outputs,
                                aggregate_function="AVERAGE" if average else "SUM", post_transform="NONE",
                                base_values=[float(v) for v in model["base_scores"]], **lists)
        info = lambda name, columns: helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, columns])
        graph = helper.make_graph([node], "trees", [info("x", model["num_feature"])], [info("y", outputs)])
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), to)
    return make(os.path.splitext(path)[0] + ".onnx", convert)


if __name__ == "__main__":  # models.py FOLDER NAME: makes one
    os.makedirs(sys.argv[1], exist_ok=True)
    MODELS[sys.argv[2]](sys.argv[1])
