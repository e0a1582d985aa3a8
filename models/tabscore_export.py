# SPDX-License-Identifier: MIT
"""What `pip install ./models` gives: the functions that write fitted models as tabscore model files.

    import tabscore_export
    document = tabscore_export.export(pipeline, name="churn", training_data=tabscore_export.training_data("churn.csv", 1000))
    tabscore_export.write(document, "churn.json")
"""

import export_additive as additive
import export_statsmodels as statsmodels
from export_program import NotExportable
from export_sklearn import drift_baseline, export, training_data, write
from scaffold import scaffold

__all__ = ["NotExportable", "additive", "drift_baseline", "export", "scaffold", "statsmodels", "training_data", "write"]
