"""Networks and fits behind the shipped weights; needs the extra `train`."""
