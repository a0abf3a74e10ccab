"""What ``score`` does with a file: ``batch_ours.py ARTIFACT INPUT OUTPUT``; figures as JSON."""

import sys
from tempfile import TemporaryDirectory

from benchmarks.peers.batch import figures
from steps import score_local
from steps.packaged import load_packaged
from steps.score import find_source, output_paths

if __name__ == "__main__":
    artifact, rows, output = sys.argv[1:]
    packaged, outputs = load_packaged(artifact), output_paths(output, "local")
    with TemporaryDirectory() as folder:
        source = find_source(rows, folder)
        print(figures(lambda: score_local.score(packaged, source, [], outputs)))
