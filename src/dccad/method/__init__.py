"""The deep convolutional clustering autoencoder, in the order of the data.

Representation, network, clustering, training, regions, scoring: each step is a folder, and imports
earlier steps only.
"""
