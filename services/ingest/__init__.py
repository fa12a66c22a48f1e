"""The write path: a product's pictures become vectors that can be found."""
