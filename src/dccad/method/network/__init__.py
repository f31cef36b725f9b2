"""The autoencoders, published and depthwise: maps, pooled maps, losses and their gradients."""
