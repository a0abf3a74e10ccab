"""What production runs: the model in the artifact, its preprocessing and its classifiers."""
