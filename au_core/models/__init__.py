"""The recogniser R, the discriminator D, and how a model is stored."""
