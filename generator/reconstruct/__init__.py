"""A decoder of StyleGAN2's blocks that draws given photographs anew, so that both classes show the same faces."""
