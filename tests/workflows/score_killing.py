"""Kill runs of score by SIGKILL at random moments, and go on, in a process without threads.

Started as a program: a workspace, an input, an output's name, how many kills, a seed. It scores
once undisturbed, then kills and goes on until the output is there, as often as it takes, and prints
what came of it as JSON.
"""

import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

from narraframe.config import Config, Workspace
from narraframe.embeddings.hashing import HashingEncoder
from narraframe.io.journal import is_own
from narraframe.workflows import score as score_module
from narraframe.workflows import score_items, scorer
from narraframe.workflows.reading import ReadOptions
from narraframe.workflows.watch import Silent

WINDOW = 10


def in_small_windows(patch) -> None:
    patch.setattr(score_items, "WINDOW", WINDOW)
    patch.setattr(score_module, "WINDOW", WINDOW)


def score_to(output: Path, workspace: Workspace, source: str):
    return score_module.score(
        [source],
        output=output,
        stdout=sys.stdout,
        model_uri="models:/topics@challenger",
        options=ReadOptions(),
        workspace=workspace,
        force=False,
        watch=Silent(),
    )


def start(output: Path, workspace: Workspace, source: str) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        score_to(output, workspace, source)
        code = 0
    except BaseException:  # noqa: BLE001 - a child of fork must not go on as its parent
        traceback.print_exc()
    finally:
        os._exit(code)


def main(root: str, source: str, name: str, n_kills: int, seed: int) -> None:
    scorer.load_encoder = lambda name, **_: HashingEncoder()
    score_items.WINDOW = score_module.WINDOW = WINDOW
    workspace = Workspace(Path(root), Config(), is_set_up=True)
    rng, kills, resumed, outputs = random.Random(seed), 0, 0, []
    with tempfile.TemporaryDirectory(dir=root) as place:
        whole = Path(place) / "whole" / name
        score_to(whole, workspace, source)
        began = time.monotonic()
        score_to(Path(place) / "again" / name, workspace, source)
        seconds = time.monotonic() - began
        while kills < n_kills:
            output = Path(place) / f"round-{len(outputs)}" / name
            ended = False
            while not ended:
                child = start(output, workspace, source)
                time.sleep(rng.uniform(0.2, 0.8) * seconds)
                os.kill(child, signal.SIGKILL)  # not yet waited for, so still this child
                _, status = os.waitpid(child, 0)
                kills += os.WIFSIGNALED(status)
                assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
                # a kill behind the very last step comes too late
                ended = output.exists() and not is_own(output)
                parts = list(output.parent.glob(".*.partial/*.part"))
                resumed += bool(parts) and not ended
            outputs.append(output.read_bytes() == whole.read_bytes())
        left = [str(p) for p in Path(place).glob("round-*/.*/*.part")]
    json.dump({"kills": kills, "resumed": resumed, "same": outputs, "left": left}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5]))
