"""One run of SetFit for classify.py, in a process and an environment of its own.

Takes a job as JSON (texts and labels in a file), leaves probabilities and decisions of the test
posts beside it, prints one line of figures. The body is tuned once; two heads share it:

- "default": SetFit as it comes, a logistic regression per label, cut at 0.5,
- "balanced": a balanced logistic regression per label on the tuned body, cut where 5-fold
  out-of-fold probabilities give the best F1.

Times are CPU seconds on one thread; loading the weights is not timed, on either side.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from numpy.typing import NDArray
from setfit import SetFitModel, Trainer, TrainingArguments
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_recall_curve
from sklearn.model_selection import StratifiedKFold, cross_val_predict

FOLDS = 5
Heads = list[tuple[LogisticRegression | None, float]]


def main() -> None:
    job: dict[str, Any] = json.loads(sys.argv[1])
    torch.set_num_threads(1)
    given = json.loads(Path(job["data"]).read_text(encoding="utf-8"))
    y = np.array(given["y"], dtype=np.int8)
    model = SetFitModel.from_pretrained(
        job["weights"], multi_target_strategy="one-vs-rest", device="cpu"
    )
    if job["bf16"]:
        in_bf16(model)
    figures: dict[str, Any] = {}
    start = time.process_time()
    figures["steps"] = tune(model, given["train"], y, job)
    figures["default_train_s"] = time.process_time() - start
    found = {}
    start = time.process_time()
    found["default_p"] = columns(model.predict_proba(given["test"]))
    found["default_yes"] = found["default_p"] > 0.5
    figures["default_score_s"] = time.process_time() - start
    start = time.process_time()
    heads = balanced_heads(model.encode(given["train"]), y, job["seed"])
    figures["balanced_train_s"] = figures["default_train_s"] + time.process_time() - start
    start = time.process_time()
    found["balanced_p"], found["balanced_yes"] = apply(heads, model.encode(given["test"]))
    figures["balanced_score_s"] = time.process_time() - start
    np.savez(job["output"], **found)
    print(json.dumps(figures))


def tune(model: SetFitModel, texts: list[str], y: NDArray[np.int8], job: dict[str, Any]) -> int:
    """Fit body and default head; return the steps of the body's tuning."""
    given = {} if job["iterations"] is None else {"num_iterations": job["iterations"]}
    arguments = TrainingArguments(
        output_dir=job["folder"], seed=job["seed"], report_to="none", save_strategy="no", **given
    )
    data = Dataset.from_dict({"text": texts, "label": y.tolist()})
    trainer = Trainer(model=model, args=arguments, train_dataset=data)
    trainer.train()
    return int(trainer.st_trainer.state.global_step)


def in_bf16(model: SetFitModel) -> None:
    """Let the body multiply in bfloat16; its weights, their updates and the heads stay float32."""
    body = model.model_body
    body.forward = torch.autocast("cpu", dtype=torch.bfloat16)(body.forward)


def columns(p: object) -> NDArray[np.float32]:
    """Return P(label) as (n, k); SetFit gives one (n, 2) a label."""
    stacked = np.asarray(p, dtype=np.float32)
    return stacked[:, :, 1].T if stacked.ndim == 3 else stacked


def balanced_heads(vectors: NDArray[np.float32], y: NDArray[np.int8], seed: int) -> Heads:
    """Return a head and a cut per label; no head for one that all or no posts carry."""
    heads: Heads = []
    for j in range(y.shape[1]):
        target = y[:, j]
        rarer = int(min(target.sum(), len(target) - target.sum()))
        if rarer < 1:
            heads.append((None, float(target.mean())))
            continue
        head = LogisticRegression(class_weight="balanced", max_iter=1000)
        cut = 0.5
        if rarer > 1:
            folds = StratifiedKFold(min(FOLDS, rarer), shuffle=True, random_state=seed)
            p = cross_val_predict(head, vectors, target, cv=folds, method="predict_proba")[:, 1]
            cut = best_cut(target, p)
        heads.append((head.fit(vectors, target), cut))
    return heads


def best_cut(y: NDArray[np.int8], p: NDArray[np.float64]) -> float:
    precision, recall, cuts = precision_recall_curve(y, p)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return float(cuts[np.argmax(f1[:-1])])


def apply(
    heads: Heads, vectors: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    p = np.column_stack(
        [
            np.full(len(vectors), cut) if head is None else head.predict_proba(vectors)[:, 1]
            for head, cut in heads
        ]
    )
    return p.astype(np.float32), p >= np.array([cut for _, cut in heads])


if __name__ == "__main__":
    main()
