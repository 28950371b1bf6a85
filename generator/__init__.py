"""StyleGAN 1 and 2 in plain PyTorch: train, sample, import, and build corpora."""
