# SPDX-License-Identifier: MIT
"""Stands in for LightGBM's scikit-learn class where LightGBM is not installed: one tree of three leaves whose splits are
medians of the training rows, in LightGBM's text, and its own reading of that tree."""

import numpy as np
from sklearn.base import BaseEstimator

__version__ = "stand-in"

MODEL = """tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx={last}
objective=binary sigmoid:1
feature_names={names}
feature_infos={infos}
tree_sizes=1

Tree=0
num_leaves=3
num_cat=0
split_feature=0 2
threshold={first!r} {second!r}
decision_type=10 8
left_child=1 -2
right_child=-1 -3
leaf_value=0.75 -1.5 0.25
internal_count=4 2
leaf_count=2 1 1
is_linear=0
shrinkage=1


end of trees
"""


class LGBMClassifier(BaseEstimator):
    objective_ = "binary"

    def fit(self, x, y):
        self.classes_ = np.unique(y)
        self.n_classes_ = len(self.classes_)
        self.first, self.second = (float(np.median(x[:, j])) for j in (0, 2))
        self.columns = x.shape[1]
        self.booster_ = self
        self.params = {}
        return self

    def model_to_string(self):
        names = " ".join(f"Column_{j}" for j in range(self.columns))
        infos = " ".join(["[0:1]"] * self.columns)
        return MODEL.format(last=self.columns - 1, names=names, infos=infos, first=self.first, second=self.second)

    def predict(self, x, raw_score):
        left = np.isnan(x[:, 0]) | (x[:, 0] <= self.first)
        lower = ~np.isnan(x[:, 2]) & (x[:, 2] <= self.second)
        return np.where(left, np.where(lower, -1.5, 0.25), 0.75)

    def predict_proba(self, x):
        p = 1 / (1 + np.exp(-self.predict(x, raw_score=True)))
        return np.column_stack([1 - p, p])
