"""What ``score`` does with a file: ``batch_ours.py ARTIFACT INPUT OUTPUT``; figures as JSON."""

import sys
from pathlib import Path

from benchmarks.peers.batch import figures
from steps.packaged import load_packaged
from steps.score import output_paths, score

if __name__ == "__main__":
    artifact, rows, output = sys.argv[1:]
    packaged, outputs = load_packaged(artifact), output_paths(output)
    print(figures(lambda: score(packaged, Path(rows), rows, outputs)))
