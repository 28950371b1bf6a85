"""How well a model does on a corpus: rows of examinations, figures of merit, baselines, comparisons."""
