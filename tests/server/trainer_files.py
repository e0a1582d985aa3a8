#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Servers of the files that XGBoost, LightGBM, CatBoost and scikit-learn's trees are saved in: trainer_files.py LOAN_SERVER
WINE_SERVER DIABETES_SERVER [LOAN_AUDIT]. What the trainers predict (trainer_files/, made by make_trainer_files.py), the card,
reloads, the archive, challengers and refusals."""
import hashlib
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from example_server import Server  # noqa: E402

LOAN_SERVER, WINE_SERVER, DIABETES_SERVER = sys.argv[1:4]
AUDIT = sys.argv[4] if len(sys.argv) > 4 else None
FILES = HERE / "trainer_files"
MODELS = HERE.parents[1] / "models"
EXPECTED = json.loads((FILES / "expected.json").read_text(encoding="utf-8"))
LOANS = EXPECTED["loan"]["records"]


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def ask(server, records, flags="?on_error=skip"):
    status, headers, content = server.post("/batch_predict" + flags, {"records": records})
    assert status in (200, 207), content
    return json.loads(content), headers


def refusal(program, model):
    done = subprocess.run([program, "--port", "0", "--prediction-log", "off", "--model", str(model)], capture_output=True,
                          text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, ""), done
    return done.stderr


class Loans(unittest.TestCase):
    def check(self, predictions, name):
        probabilities, labels = EXPECTED["loan"]["files"][name]
        for loan, got, probability, label in zip(LOANS, predictions, probabilities, labels, strict=True):
            if probability is None:  # CatBoost takes no absent category
                self.assertNotIn("sector", loan)
                self.assertIsNone(got)
            else:
                self.assertEqual((got["probability"], got["default"]), (probability, label))

    def test_numbers_are_the_trainers(self):
        for name in EXPECTED["loan"]["files"]:
            with self.subTest(name), Server(LOAN_SERVER, "--model", str(FILES / name), "--log-model") as server:
                answer, headers = ask(server, LOANS)
                self.check(answer["predictions"], name)
                self.assertEqual(headers["x-model-sha256"], sha256(FILES / name))
                self.assertEqual(len(answer.get("errors", [])), sum(p is None for p in answer["predictions"]))
                last = json.loads(server.log_lines()[-1])
                self.assertEqual(last["model"], sha256(FILES / name))

                card = json.loads(server.get("/model"))
                trainer = {"ubj": "XGBoost", "txt": "LightGBM", "cbm": "CatBoost"}[name[-3:]]
                self.assertEqual((card["name"], card["kind"], card["trainer"]),
                                 (name, trainer.lower(), {"name": trainer, "version": ""}))
                self.assertEqual((card["sha256"], card["version"]), (sha256(FILES / name), sha256(FILES / name)[:12]))
                self.assertEqual(card["features"], {"numeric": ["months", "amount", "income", "instalment"],
                                                    "text": ["purpose", "sector"]})
                self.assertIsNone(card["drift_baseline"])
                if name == "loan.ubj":
                    self.assertLess(card["rounds"]["used"], card["rounds"]["saved"])
                self.assertIn(sha256(FILES / name), server.get("/metrics").decode())
                self.assertTrue(json.loads(server.get("/health"))["ready"])
                json.loads(server.get("/openapi.json"))
                json.loads(server.get("/monitoring/report"))
                server.get("/monitoring/drift")

                # Contributions of each feature, and the policy's reasons, which they decide.
                explained, _ = ask(server, LOANS, "?on_error=skip&explain=9&reasons=2")
                reasons = 0
                for got in explained["predictions"]:
                    if got is not None:
                        names = [c["feature"] for c in got["explanation"]["contributions"]]
                        self.assertEqual(sorted(names), ["amount", "income", "instalment", "months", "purpose", "sector"])
                        reasons += len(got.get("reasons", []))
                self.assertGreater(reasons, 0)

    def test_files_take_each_others_place(self):
        with tempfile.TemporaryDirectory() as folder:
            model, archive = pathlib.Path(folder) / "model", pathlib.Path(folder) / "archive"
            shutil.copy(MODELS / "loan_default.json", model)
            log = str(pathlib.Path(folder) / "log.jsonl")
            with Server(LOAN_SERVER, "--model", str(model), "--archive", str(archive), log=log) as server:
                own, _ = ask(server, LOANS)

                def put(content, key):
                    before = json.loads(server.get("/model"))["reload"][key]
                    model.write_bytes(content)
                    server.process.send_signal(signal.SIGHUP)
                    for _ in range(200):
                        reload = json.loads(server.get("/model"))["reload"]
                        if reload[key] > before:
                            return reload
                        time.sleep(0.05)
                    self.fail("no reload")

                for name in ("loan.cbm", "loan.ubj", "loan.txt"):
                    put((FILES / name).read_bytes(), "loaded")
                    self.check(ask(server, LOANS)[0]["predictions"], name)
                    whole = (FILES / name).read_bytes()
                    for wrong, why in ((whole[: len(whole) // 2], {"ubj": "at byte", "txt": "the file is cut off"}.get(name[-3:], "ends after")),
                                       (b"\x80\x04pickle", "this is a Python pickle"),
                                       ((FILES / "wine.cbm").read_bytes(), "is not a number of the records"), (b"", "an empty file")):
                        self.assertIn(why, put(wrong, "refused")["error"])
                        self.check(ask(server, LOANS)[0]["predictions"], name)
                put((MODELS / "loan_default.json").read_bytes(), "loaded")
                self.assertEqual(ask(server, LOANS)[0], own)
            kept = {MODELS / "loan_default.json", *(FILES / name for name in EXPECTED["loan"]["files"])}
            for path in kept:
                self.assertEqual((archive / sha256(path)).read_bytes(), path.read_bytes())
            if AUDIT:
                logs = sorted(str(p) for p in pathlib.Path(folder).glob("log*.jsonl*") if p.suffix != ".intent")
                done = subprocess.run([AUDIT, "replay", "--archive", str(archive), "all", *logs], capture_output=True, text=True,
                                      timeout=60)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                for path in kept:
                    self.assertIn(sha256(path), done.stdout)

    def test_challengers_may_be_of_any_trainer(self):
        with Server(LOAN_SERVER, "--model", str(MODELS / "loan_default.json"), "--challenger", str(FILES / "loan.ubj"),
                    "--challenger", str(FILES / "loan.txt")) as server:
            ask(server, LOANS)
            for _ in range(200):
                text = server.get("/monitoring/compare").decode()
                if text.count('"compared":60,"shed":0,"failed":0') == 2:
                    break
                time.sleep(0.05)
            else:
                self.fail(text)
            for name in ("loan.ubj", "loan.txt"):
                self.assertIn(sha256(FILES / name), text)

    def test_what_is_missing_is_said(self):
        self.assertIn('diabetes.txt: the file\'s numeric feature "age" is not a number of the records, which have "months", ...',
                      refusal(LOAN_SERVER, FILES / "diabetes.txt"))
        with tempfile.TemporaryDirectory() as folder:
            renamed = pathlib.Path(folder) / "model.txt"
            renamed.write_text((FILES / "loan.txt").read_text().replace("sector", "branch"))
            self.assertIn("model.txt: the model's text feature 'branch' is not a text field of the schema",
                          refusal(LOAN_SERVER, renamed))


class Tasks(unittest.TestCase):
    def test_classes_are_the_files(self):
        for name, (probabilities, classes) in EXPECTED["wine"]["files"].items():
            with self.subTest(name), Server(WINE_SERVER, "--model", str(FILES / name)) as server:
                answer, _ = ask(server, EXPECTED["wine"]["records"])
                for got, numbers, said in zip(answer["predictions"], probabilities, classes, strict=True):
                    self.assertEqual((list(got["probabilities"].values()), got["cultivar"]), (numbers, said))
                self.assertEqual(len(json.loads(server.get("/model"))["classes"]), 3)

    def test_numbers_are_the_trainers(self):
        for name, numbers in EXPECTED["diabetes"]["files"].items():
            with self.subTest(name), Server(DIABETES_SERVER, "--model", str(FILES / name)) as server:
                answer, _ = ask(server, EXPECTED["diabetes"]["records"])
                self.assertEqual([p["progression"] for p in answer["predictions"]], numbers)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
