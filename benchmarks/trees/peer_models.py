# SPDX-License-Identifier: MIT
"""XGBoost's trees in the formats of other libraries: as_onnx(model) and as_c(model), `model` being XGBoost's JSON. One
output, numeric splits; margins, not probabilities."""
import struct


def trees_of(model):
    return model["learner"]["gradient_booster"]["model"]["trees"]


# --- ONNX: the protocol buffers of onnx.proto, as far as a TreeEnsembleRegressor needs them.

def varint(n):
    out = bytearray()
    n &= (1 << 64) - 1
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def integer(field, n):
    return varint(field << 3) + varint(n)


def message(field, payload):
    payload = payload.encode() if isinstance(payload, str) else payload
    return varint(field << 3 | 2) + varint(len(payload)) + payload


def attribute(name, value):
    """An AttributeProto of a text, an integer, or a list of texts, integers or floats."""
    out = message(1, name)
    if isinstance(value, str):
        out += message(4, value) + integer(20, 3)
    elif isinstance(value, int):
        out += integer(3, value) + integer(20, 2)
    elif isinstance(value[0], str):
        out += b"".join(message(9, v) for v in value) + integer(20, 8)
    elif isinstance(value[0], int):
        out += message(8, b"".join(varint(v) for v in value)) + integer(20, 7)
    else:
        out += message(7, struct.pack("<%df" % len(value), *value)) + integer(20, 6)
    return message(5, out)


def float_matrix(field, name, columns):
    """A ValueInfoProto: any number of rows."""
    dimensions = message(1, message(2, "N")) + message(1, integer(1, columns))
    return message(field, message(1, name) + message(2, message(1, integer(1, 1) + message(2, dimensions))))


def as_onnx(model):
    lists = {name: [] for name in (
        "nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_values", "nodes_modes", "nodes_truenodeids",
        "nodes_falsenodeids", "nodes_missing_value_tracks_true", "target_treeids", "target_nodeids", "target_ids",
        "target_weights")}
    for number, tree in enumerate(trees_of(model)):
        for node, (left, right) in enumerate(zip(tree["left_children"], tree["right_children"])):
            leaf = left == -1
            condition = float(tree["split_conditions"][node])
            for name, value in (
                    ("treeids", number), ("nodeids", node), ("featureids", 0 if leaf else tree["split_indices"][node]),
                    ("values", 0.0 if leaf else condition), ("modes", "LEAF" if leaf else "BRANCH_LT"),
                    ("truenodeids", 0 if leaf else left), ("falsenodeids", 0 if leaf else right),
                    ("missing_value_tracks_true", 0 if leaf else int(tree["default_left"][node]))):
                lists["nodes_" + name].append(value)
            if leaf:
                for name, value in (("treeids", number), ("nodeids", node), ("ids", 0), ("weights", condition)):
                    lists["target_" + name].append(value)
    features = int(model["learner"]["learner_model_param"]["num_feature"])
    node = message(1, "x") + message(2, "y") + message(4, "TreeEnsembleRegressor") + message(7, "ai.onnx.ml")
    node += attribute("n_targets", 1) + attribute("aggregate_function", "SUM") + attribute("post_transform", "NONE")
    node += b"".join(attribute(name, values) for name, values in lists.items())
    graph = message(1, node) + message(2, "trees") + float_matrix(11, "x", features) + float_matrix(12, "y", 1)
    operators = message(8, message(1, "") + integer(2, 17)) + message(8, message(1, "ai.onnx.ml") + integer(2, 3))
    return integer(1, 8) + operators + message(7, graph)


# --- C: nested ifs, a function a tree, as tree compilers (Treelite's TL2cgen and others) write it.

def c_tree(tree, node, depth):
    indent = "  " * depth
    condition = float(tree["split_conditions"][node])
    left, right = tree["left_children"][node], tree["right_children"][node]
    if left == -1:
        return "%sreturn %sf;\n" % (indent, condition.hex())
    value = "x[%d]" % tree["split_indices"][node]
    test = "!(%s >= %sf)" if tree["default_left"][node] else "%s < %sf"  # where NaN goes
    return "%sif (%s) {\n%s%s} else {\n%s%s}\n" % (indent, test % (value, condition.hex()), c_tree(tree, left, depth + 1),
                                                 indent, c_tree(tree, right, depth + 1), indent)


def as_c(model, trees_a_file=25):
    """Texts of source files; the last one defines void margins(const float* rows, size_t n, float* out)."""
    trees = trees_of(model)
    features = int(model["learner"]["learner_model_param"]["num_feature"])
    files = []
    for first in range(0, len(trees), trees_a_file):
        part = range(first, min(first + trees_a_file, len(trees)))
        functions = "".join("static float tree%d(const float* x) {\n%s}\n" % (i, c_tree(trees[i], 0, 1)) for i in part)
        sums = "".join("  sum += tree%d(x);\n" % i for i in part)
        files.append("%sfloat part%d(const float* x, float sum) {\n%s  return sum;\n}\n" % (functions, len(files), sums))
    declarations = "".join("float part%d(const float*, float);\n" % i for i in range(len(files)))
    calls = "".join("    sum = part%d(rows, sum);\n" % i for i in range(len(files)))
    files.append("#include <stddef.h>\n%svoid margins(const float* rows, size_t n, float* out) {\n"
                 "  for (size_t i = 0; i < n; ++i, rows += %d) {\n    float sum = 0;\n%s    out[i] = sum;\n  }\n}\n"
                 % (declarations, features, calls))
    return files
