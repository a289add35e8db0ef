"""From a photo to what the decoder is given of it: pixels, tiles or patches, the tower, the place in the prompt."""
