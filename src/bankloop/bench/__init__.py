"""Every claim measured: what ``bankloop bench`` runs. Seconds are of one machine; ratios are within one run."""
